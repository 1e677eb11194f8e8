import type { Clock } from '@agentpay/primitives';
import { createApiClient, createClient } from '@agentpay/sdk';

/** What a test of gateways reads of `.agentpay/dev.json`. */
export interface GatewayDev {
  readonly api: { readonly url: string };
  readonly keys: { readonly admin: string; readonly gateway: string; readonly developer: string };
  readonly ids: { readonly listings: readonly string[] };
  readonly buyer: { readonly privateKey: `0x${string}` };
}

/** The gateway API for the keys of the stack. */
export function gatewayOf({ api, keys }: GatewayDev) {
  const { gateway: own, developer } = keys;
  return createApiClient({ url: api.url, adminKey: keys.admin, keys: { gateway: own, developer } }).gateway;
}

interface PayOptions {
  readonly path: string;
  readonly body: Readonly<Record<string, string>>;
  /** The gateway key that goes along. */
  readonly key?: string | undefined;
  /** Whether the proof goes as `Authorization: x402 usdc`. */
  readonly asIntent: boolean;
  readonly clock?: Clock;
}

/** Calls an endpoint that is paid by x402 with money of the example buyer. */
export async function payByX402<Answer>(
  { api, buyer }: Pick<GatewayDev, 'api' | 'buyer'>,
  { path, body, key, asIntent, clock }: PayOptions,
): Promise<Answer> {
  const withIntent: typeof fetch = async (url, init) => {
    const request = new Request(url, init);
    const proof = request.headers.get('payment-signature');
    if (asIntent && proof !== null) {
      request.headers.delete('payment-signature');
      request.headers.set('authorization', `x402 usdc ${proof}`);
    }
    return fetch(request);
  };
  const client = createClient({
    privateKey: buyer.privateKey,
    budget: { total: '$1000', perRequest: '$100' },
    fetch: withIntent,
    clock,
  });
  const response = await client.fetch(api.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key !== undefined && { 'x-gateway-key': key }) },
    body: JSON.stringify(body),
  });
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.json()) as Answer;
}

/** Funds a gateway with so much by x402. */
export function fundByX402(
  dev: Pick<GatewayDev, 'api' | 'buyer'>,
  { amount, ...how }: { amount: string } & Omit<PayOptions, 'path' | 'body'>,
): Promise<{ funding_id: string; status: string }> {
  return payByX402(dev, { path: '/gateway/fund/x402', body: { amount_usdc: amount }, ...how });
}

/** Has so much held by x402. */
export function authorizeByX402(
  dev: Pick<GatewayDev, 'api' | 'buyer'>,
  { amount, ...how }: { amount: string } & Omit<PayOptions, 'path' | 'body'>,
): Promise<{ authorization_id: string; status: string; expires_at: string }> {
  const body = { amount_usdc: amount, memo: 'agent call' };
  return payByX402(dev, { path: '/billing/authorize', body, ...how });
}
