import { credentials } from '@agentpay/api';
import { users, type Core } from '@agentpay/core';
import type { Cookies } from '../http/cookies.js';

const { cookie } = credentials.session;

/** Signs the browser in under a new secret; the session that it came with ends. */
export async function startSession(
  core: Core,
  cookies: Cookies,
  account: users.SignInAccount,
): Promise<users.SignedIn> {
  const signedIn = await users.signIn(core, { account, former: cookies.get(cookie) });
  const maxAgeSeconds = Math.floor(core.settings.users.sessionTtlMs / 1000);
  cookies.set(cookie, signedIn.secret, { maxAgeSeconds });
  return signedIn;
}

export function forgetSession(cookies: Cookies): void {
  cookies.clear(cookie);
}

/** Secret of the session that the request came with. */
export function sessionSecretOf(cookies: Cookies): string {
  return cookies.get(cookie) ?? '';
}
