import { AgentPayError, type Amount, type FetchOut } from '@agentpay/primitives';
import { z } from 'zod';

/** A response of Stripe: an object, a refusal in its words, or nothing that tells what became of the request. */
export type StripeResponse<Body> =
  | { readonly kind: 'ok'; readonly body: Body }
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'unknown' };

export interface StripeClient {
  get<Body>(path: string, shape: z.ZodType<Body>): Promise<StripeResponse<Body>>;
  /** @param request.key the same key and fields again give the first response */
  post<Body>(
    path: string,
    shape: z.ZodType<Body>,
    request: { readonly fields?: Readonly<Record<string, string>>; readonly key?: string },
  ): Promise<StripeResponse<Body>>;
}

export interface StripeClientOptions {
  /** Without a slash at its end. */
  readonly url: string;
  readonly secretKey: string;
  readonly fetchOut: FetchOut;
}

/** The shapes that are read depend on it. */
const VERSION = '2024-06-20';
const TIMEOUT_MS = 15_000;
const MAX_BYTES = 1_000_000;
/** Micro-units in a cent. */
export const CENT = 10_000n;

const refusal = z.object({
  error: z.object({
    type: z.string(),
    code: z.string().optional(),
    decline_code: z.string().optional(),
  }),
});

/** Calls Stripe with form-encoded fields (https://docs.stripe.com/api). It never throws for what Stripe or the way there does. */
export function stripeClient({ url, secretKey, fetchOut }: StripeClientOptions): StripeClient {
  async function call<Body>(
    path: string,
    shape: z.ZodType<Body>,
    request: { method: string; body?: string; headers?: Record<string, string> },
  ): Promise<StripeResponse<Body>> {
    try {
      const response = await fetchOut(url + path, {
        ...request,
        headers: {
          authorization: `Bearer ${secretKey}`,
          'stripe-version': VERSION,
          ...request.headers,
        },
        timeoutMs: TIMEOUT_MS,
        maxBytes: MAX_BYTES,
        maxRedirects: 0,
      });
      return readResponse(response.status, Buffer.from(response.body).toString('utf8'), shape);
    } catch {
      return { kind: 'unknown' };
    }
  }

  return {
    get: (path, shape) => call(path, shape, { method: 'GET' }),
    post: (path, shape, { fields = {}, key }) =>
      call(path, shape, {
        method: 'POST',
        body: new URLSearchParams(fields).toString(),
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          ...(key === undefined ? {} : { 'idempotency-key': key }),
        },
      }),
  };
}

function readResponse<Body>(status: number, text: string, shape: z.ZodType<Body>): StripeResponse<Body> {
  const json: unknown = JSON.parse(text);
  if (status === 200) return { kind: 'ok', body: shape.parse(json) };
  const { error } = refusal.parse(json);
  // A wrong key, a limit, a conflict of keys or a fault of Stripe says nothing of the money.
  const final = [400, 402, 404].includes(status) && error.type !== 'idempotency_error';
  return final
    ? { kind: 'refused', code: error.decline_code ?? error.code ?? error.type }
    : { kind: 'unknown' };
}

/** An amount as Stripe counts US dollars. @throws AgentPayError `invalid_amount` for parts of a cent */
export function centsOf(amount: Amount): string {
  if (amount % CENT !== 0n)
    throw new AgentPayError('invalid_amount', 'Stripe pays whole cents.', { param: 'amount' });
  return String(amount / CENT);
}

/** Whether the text names a connected account. */
export function isConnectedAccount(text: string): boolean {
  return /^acct_\w{1,64}$/.test(text);
}
