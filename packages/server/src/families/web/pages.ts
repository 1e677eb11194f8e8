import { web } from '@agentpay/api';
import { agents } from '@agentpay/core';
import { implement } from '../../http/implement.js';
import { dashboardPage } from '../../pages/dashboardPage.js';
import { SCRIPT } from '../../pages/script.js';
import { signInPage } from '../../pages/signInPage.js';
import { ownPath } from '../../signIn/attempts.js';

export const handlers = implement(web.nouns.pages, ({ core, signIn }) => ({
  signin: async ({ query: { callbackUrl, error } }) => ({
    html: signInPage(signIn, { callbackUrl: ownPath(callbackUrl), error }),
  }),
  script: async () => ({ text: SCRIPT }),
  dashboard: async () => ({ html: dashboardPage({ path: '/dashboard', signedIn: true }) }),
  async agent({ principal, params }) {
    await agents.actFor(core.db, { principal, agentId: params.id });
    return { html: dashboardPage({ path: `/dashboard/agents/${params.id}`, signedIn: true }) };
  },
}));
