import { web } from '@agentpay/api';
import { users, type Core } from '@agentpay/core';
import { AgentPayError, isAgentPayError } from '@agentpay/primitives';
import { csrfTokenOf } from '../../auth/csrf.js';
import { implement } from '../../http/implement.js';
import { signInPage } from '../../pages/signInPage.js';
import { begin, end, ownPath } from '../../signIn/attempts.js';
import { forgetSession, sessionSecretOf, startSession } from '../../signIn/session.js';

export const handlers = implement(web.nouns.auth, ({ core, signIn, baseUrl, log }) => ({
  page: async ({ query: { callbackUrl, error } }) => ({
    html: signInPage(signIn, { callbackUrl: ownPath(callbackUrl), error }),
  }),
  async github({ query, cookies }) {
    if (!signIn.github) return failed('Configuration');
    const redirectUri = `${baseUrl()}/api/auth/callback/github`;
    const journey = begin(toolsOf(core), cookies, { redirectUri, callbackUrl: ownPath(query.callbackUrl) });
    return { location: await signIn.github.authorizeUrl(journey) };
  },
  async callback({ query, cookies }) {
    const journey = end(toolsOf(core), cookies);
    if (!signIn.github) return failed('Configuration');
    if (!journey) return failed('OAuthCallback');
    const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
    try {
      const account = await signIn.github.identify(new URLSearchParams(given), journey);
      await startSession(core, cookies, account);
      return { location: journey.callbackUrl };
    } catch (error) {
      if (!isAgentPayError(error, 'unauthorized') && !isAgentPayError(error, 'unavailable')) throw error;
      log.warn({ err: error }, 'a sign-in with GitHub failed');
      return failed(query.error === 'access_denied' ? 'AccessDenied' : 'OAuthCallback');
    }
  },
  async develop({ body: { login }, cookies }) {
    if (!signIn.development)
      throw new AgentPayError('forbidden', 'The sign-in for development is switched off.', {
        reason: 'development_only',
      });
    const account = { provider: 'development', accountId: login, login, name: null, image: null } as const;
    return shown(await startSession(core, cookies, account));
  },
  session: async ({ principal }) => shown(await users.session(core, { principal })),
  csrf: async ({ cookies }) => ({ csrfToken: csrfTokenOf(sessionSecretOf(cookies)) }),
  async signout({ principal, body, cookies }) {
    const ended = await users.signOut(core, { principal, ...body });
    forgetSession(cookies);
    return { ended, url: '/signin' };
  },
}));

function toolsOf({ ports: { vault }, clock, random }: Core) {
  return { vault, clock, random };
}

function failed(error: string): { location: string } {
  return { location: `/signin?error=${error}` };
}

function shown({ user: { id, login, name, image }, expiresAt }: Omit<users.SignedIn, 'secret'>) {
  return { user: { id, login, name, image }, expires: expiresAt };
}
