import { AgentPayError, type Clock } from '@agentpay/primitives';
import {
  paymentTokenKeys,
  paymentTokenKid,
  readLimited,
  verifyPaymentToken,
  wasNotSent,
  type PaymentTokenClaims,
  type PaymentTokenKeys,
} from '@agentpay/protocol';
import { z } from 'zod';

/** Steps of a call that the provider reports. */
export type CallEvent = 'call-started' | 'call-accepted' | 'call-completed' | 'call-failed';

/** What the API said to a request that it understood. `reason` is its finest error code, absent on success. */
export interface IssuerResponse {
  readonly status: number;
  readonly reason?: string;
}

/** The AgentPay API as a provider uses it. */
export interface Issuer {
  readonly url: string;
  /**
   * The claims of a token that this issuer signed for the service, by its published keys alone; an expired one as well.
   * @throws AgentPayError `payment_malformed`, `token_invalid`, `facilitator_unavailable` when the keys cannot be had
   */
  read(token: string, service: string): Promise<PaymentTokenClaims>;
  /** Redeems a token. @throws AgentPayError `facilitator_unavailable` (certainly not done), `settlement_unknown` (may have been done) */
  redeem(token: string): Promise<IssuerResponse>;
  /** Reports a step; repeating one changes nothing. @throws as {@link redeem} */
  report(tokenId: string, event: CallEvent): Promise<IssuerResponse>;
}

const TIMEOUT_MS = 5_000;
const KEYS_FRESH_MS = 10 * 60_000;
/** How often an unknown key id may cause the keys to be fetched again. */
const KEYS_PAUSE_MS = 5_000;
const MAX_RESPONSE = 256 * 1024;

const jwkSchema = z.object({ kid: z.string(), kty: z.string(), crv: z.string(), x: z.string() }).partial();
const jwksSchema = z.object({ keys: z.array(jwkSchema).max(100) });
const errorSchema = z.object({ error: z.object({ code: z.string(), reason: z.string().optional() }) });

interface IssuerOptions {
  readonly url: string;
  readonly key: string;
  readonly clock: Clock;
  readonly fetch: typeof globalThis.fetch;
}

export function issuer({ url, key, clock, fetch }: IssuerOptions): Issuer {
  const base = url.replace(/\/+$/, '');
  const keys = keySet(`${base}/.well-known/jwks.json`, { clock, fetch });

  async function post(path: string, body: object): Promise<IssuerResponse> {
    try {
      const response = await fetch(base + path, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${key}`,
          accept: 'application/json',
          'content-type': 'application/json',
        },
        body: JSON.stringify(body),
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return read(response.status, await readText(response));
    } catch (cause) {
      throw failure(cause);
    }
  }

  return {
    url: base,
    async read(token, service) {
      const kid = paymentTokenKid(token);
      // The caller checks expiry: an expired token may have bought a response that is still kept.
      return verifyPaymentToken(token, await keys(kid), { now: 0, audience: service });
    },
    redeem: (token) => post('/v1/x402/verify', { token }),
    report: (tokenId, event) => post(`/v1/x402/tokens/${encodeURIComponent(tokenId)}/${event}`, {}),
  };
}

/** The published keys, kept for some minutes; an unknown key id fetches them anew, though not at every request. */
function keySet(
  url: string,
  { clock, fetch }: Pick<IssuerOptions, 'clock' | 'fetch'>,
): (kid: string) => Promise<PaymentTokenKeys> {
  let known: PaymentTokenKeys = () => undefined;
  let fetchedAt = -Infinity;
  let triedAt = -Infinity;
  let loading: Promise<void> | undefined;

  async function load(): Promise<void> {
    triedAt = clock.now();
    const response = await fetch(url, {
      headers: { accept: 'application/json' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`The key set responded with ${response.status}.`);
    const { keys } = jwksSchema.parse(JSON.parse(await readText(response)));
    known = paymentTokenKeys(keys as Parameters<typeof paymentTokenKeys>[0]);
    fetchedAt = clock.now();
  }

  return async (kid) => {
    const fresh = clock.now() - fetchedAt < KEYS_FRESH_MS;
    if (fresh && (known(kid) || clock.now() - triedAt < KEYS_PAUSE_MS)) return known;
    loading ??= load().finally(() => {
      loading = undefined;
    });
    try {
      await loading;
    } catch (cause) {
      if (!known(kid)) throw unavailable(cause);
    }
    return known;
  };
}

function read(status: number, text: string): IssuerResponse {
  if (status >= 200 && status < 300) return { status };
  const reason = reasonOf(text);
  // A refusal of the token is a response. Overload, faults and a rejected API key are not.
  const keyRejected = (status === 401 || status === 403) && !reason?.startsWith('token_');
  if (!reason || keyRejected || status >= 500 || status === 429 || status === 408)
    throw new RefusedError(status);
  return { status, reason };
}

function reasonOf(text: string): string | undefined {
  try {
    const { error } = errorSchema.parse(JSON.parse(text));
    return error.reason ?? error.code;
  } catch {
    return undefined;
  }
}

/** The API responded, but not about the token. */
class RefusedError extends Error {
  override readonly name = 'RefusedError';
  constructor(readonly status: number) {
    super(`The AgentPay API responded with ${status}.`);
  }
}

function failure(cause: unknown): AgentPayError {
  const notDone =
    cause instanceof RefusedError ? cause.status < 500 && cause.status !== 408 : wasNotSent(cause);
  if (notDone) return unavailable(cause);
  return new AgentPayError(
    'settlement_unknown',
    'The AgentPay API gave no response to a step that it may have taken.',
    { cause, retryAfter: 2 },
  );
}

export function unavailable(cause: unknown): AgentPayError {
  return new AgentPayError('facilitator_unavailable', 'The AgentPay API gives no usable response.', {
    cause,
    retryAfter: 2,
  });
}

async function readText(response: Response): Promise<string> {
  const bytes = await readLimited(response.body, MAX_RESPONSE);
  if (!bytes) throw new Error('The response of the AgentPay API is too long.');
  return bytes.toString('utf8');
}
