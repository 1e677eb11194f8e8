import { csrfTokenOf } from '@agentpay/server';
import type { TestApi } from './testApi.js';

/** A browser in which somebody is signed in. */
export interface Browser {
  readonly userId: string;
  /** The `Cookie` header. */
  readonly cookie: string;
  /** Headers of a write from a page of ours. */
  readonly writes: { readonly cookie: string; readonly 'x-csrf-token': string };
}

/** Signs in for development; `before` is a cookie that the browser has already. */
export async function signedIn(api: TestApi, login = 'developer', before = ''): Promise<Browser> {
  const response = await api.http
    .post('/api/auth/callback/development')
    .set({ cookie: before })
    .send({ login })
    .expect(200);
  const cookie = cookieOf(response.headers['set-cookie'] as unknown as string[]);
  const secret = cookie.slice(cookie.indexOf('=') + 1);
  const { id: userId } = (response.body as { user: { id: string } }).user;
  return { userId, cookie, writes: { cookie, 'x-csrf-token': csrfTokenOf(secret) } };
}

/** The session's cookie among those that a response sets. */
export function cookieOf(set: readonly string[]): string {
  const found = set.find((line) => line.startsWith('agentpay_session='));
  return (found as string).split(';')[0] as string;
}
