import { web } from '@agentpay/api';
import { agents, approvals, users, webhooks, type Core, type Principal } from '@agentpay/core';
import { csrfTokenOf } from '../../auth/csrf.js';
import type { Cookies } from '../../http/cookies.js';
import { implement } from '../../http/implement.js';
import { agentPage, dashboardPage, type Viewer } from '../../pages/agentPages.js';
import { SCRIPT } from '../../pages/script.js';
import { signInPage } from '../../pages/signInPage.js';
import { ownPath } from '../../signIn/attempts.js';
import { sessionSecretOf } from '../../signIn/session.js';
import { readAgent } from '../buyer/readAgent.js';

export const handlers = implement(web.nouns.pages, ({ core, signIn }) => ({
  signin: async ({ query: { callbackUrl, error } }) => ({
    html: signInPage(signIn, { callbackUrl: ownPath(callbackUrl), error }),
  }),
  script: async () => ({ text: SCRIPT }),
  async dashboard({ principal, cookies }) {
    const { agents: owned, total } = await agents.listOwned(core, { principal, limit: 100 });
    const shown = owned.map(({ id, name, archivedAt }) => ({ id, name, archived: archivedAt !== null }));
    return { html: dashboardPage(await viewer(core, principal, cookies), { agents: shown, total }) };
  },
  async agent({ principal, params, cookies }) {
    const request = { principal, agentId: params.id };
    const agent = await agents.actFor(core.db, request);
    const view = {
      ...(await readAgent(core, request)),
      keys: await agents.ownKeys(core, request),
      controls: await agents.controlsOf(core, request),
      webhooks: await webhooks.list(core, { principal: agent }),
      waiting: (await approvals.list(core, { principal: agent, status: 'pending', limit: 100 })).approvals,
    };
    return { html: agentPage(await viewer(core, principal, cookies), view) };
  },
}));

async function viewer(core: Core, principal: Principal, cookies: Cookies): Promise<Viewer> {
  const { user } = await users.session(core, { principal });
  return { signedIn: user.login, csrf: csrfTokenOf(sessionSecretOf(cookies)) };
}
