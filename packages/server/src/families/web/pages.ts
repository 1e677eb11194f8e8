import { web } from '@agentpay/api';
import { implement } from '../../http/implement.js';
import { SCRIPT } from '../../pages/script.js';
import { signInPage } from '../../pages/signInPage.js';
import { ownPath } from '../../signIn/attempts.js';

export const handlers = implement(web.nouns.pages, ({ signIn }) => ({
  signin: async ({ query: { callbackUrl, error } }) => ({
    html: signInPage(signIn, { callbackUrl: ownPath(callbackUrl), error }),
  }),
  script: async () => ({ text: SCRIPT }),
}));
