import { readLimited } from '@agentpay/protocol';

/** What the seller answered to one request of the check. */
export interface CheckedResponse {
  readonly status: number;
  readonly headers: Headers;
  /** The body as JSON; undefined when it is none, or too long. */
  readonly json: unknown;
}

/** Sends one request to the URL under check. */
export type Ask = (request?: {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}) => Promise<CheckedResponse>;

const TIMEOUT_MS = 15_000;
const MAX_BODY = 1024 * 1024;

/** Asks as a program would: JSON wanted, redirects not followed. Rejects when there is no response in time. */
export function asker(url: URL, defaultMethod: string, fetch: typeof globalThis.fetch): Ask {
  return async ({ method = defaultMethod, headers = {} } = {}) => {
    const response = await fetch(url, {
      method,
      headers: { accept: 'application/json', ...headers },
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const bytes = await readLimited(response.body, MAX_BODY);
    return {
      status: response.status,
      headers: response.headers,
      json: bytes && parseJson(bytes.toString('utf8')),
    };
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
