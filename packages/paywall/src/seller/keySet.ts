import { AgentPayError, type Clock } from '@agentpay/primitives';
import { paymentTokenKeys, readLimited, type PaymentTokenKeys } from '@agentpay/protocol';
import { z } from 'zod';

export const TIMEOUT_MS = 5_000;
const KEYS_FRESH_MS = 10 * 60_000;
/** How often an unknown key id may cause the keys to be fetched again. */
const KEYS_PAUSE_MS = 5_000;
const MAX_RESPONSE = 256 * 1024;

const jwkSchema = z.object({ kid: z.string(), kty: z.string(), crv: z.string(), x: z.string() }).partial();
const jwksSchema = z.object({ keys: z.array(jwkSchema).max(100) });

/** The published keys, kept for some minutes; an unknown key id fetches them anew, though not at every request. */
export function keySet(
  url: string,
  { clock, fetch }: { clock: Clock; fetch: typeof globalThis.fetch },
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
    const now = clock.now();
    const fresh = now - fetchedAt < KEYS_FRESH_MS;
    if (fresh && (known(kid) || now - triedAt < KEYS_PAUSE_MS)) return known;
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

export function unavailable(cause: unknown): AgentPayError {
  return new AgentPayError('facilitator_unavailable', 'The AgentPay API gives no usable response.', {
    cause,
    retryAfter: 2,
  });
}

export async function readText(response: Response): Promise<string> {
  const bytes = await readLimited(response.body, MAX_RESPONSE);
  if (!bytes) throw new Error('The response of the AgentPay API is too long.');
  return bytes.toString('utf8');
}
