import { AgentPayError, type Clock } from '@agentpay/primitives';
import { paymentTokenKid, verifyPaymentToken, wasNotSent, type PaymentTokenClaims } from '@agentpay/protocol';
import { z } from 'zod';
import { keySet, readText, TIMEOUT_MS, unavailable } from '../../seller/keySet.js';

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
