/** The API as a signed-in user calls it, without a browser. */
export interface OwnerApi {
  /** The `Cookie` header of the session. */
  readonly cookie: string;
  /** The JSON of a success; undefined for a 404. @throws Error for any other response */
  call<Body>(method: string, path: string, body?: object): Promise<Body | undefined>;
}

const TIMEOUT_MS = 60_000;

/** Signs in for development. */
export async function signInAsOwner(apiUrl: string): Promise<OwnerApi> {
  const response = await send(apiUrl, 'POST', '/api/auth/callback/development', {
    body: { login: 'developer' },
  });
  const set = response.headers.getSetCookie().find((line) => line.startsWith('agentpay_session='));
  const cookie = set?.split(';')[0];
  if (!response.ok || cookie === undefined) throw new Error(`Signing in was answered ${response.status}.`);
  return {
    cookie,
    async call<Body>(method: string, path: string, body: object = {}) {
      const answer = await send(apiUrl, method, path, { body, cookie });
      if (answer.status === 404) return undefined;
      if (!answer.ok)
        throw new Error(`${method} ${path} was answered ${answer.status}: ${await answer.text()}`);
      return (await answer.json()) as Body;
    },
  };
}

function send(
  apiUrl: string,
  method: string,
  path: string,
  { body, cookie }: { body: object; cookie?: string },
): Promise<Response> {
  return fetch(apiUrl + path, {
    method,
    headers: { 'content-type': 'application/json', ...(cookie !== undefined && { cookie }) },
    ...(method !== 'GET' && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
}
