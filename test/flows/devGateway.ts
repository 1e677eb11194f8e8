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

/** Funds a gateway with so much by x402 of the example buyer, whose proof goes as `Authorization: x402 usdc` where `asIntent` says so. */
export async function fundByX402(
  { api, buyer }: GatewayDev,
  { amount, key, asIntent }: { amount: string; key?: string; asIntent: boolean },
): Promise<{ funding_id: string; status: string }> {
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
  });
  const response = await client.fetch(`${api.url}/gateway/fund/x402`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key !== undefined && { 'x-gateway-key': key }) },
    body: JSON.stringify({ amount_usdc: amount }),
  });
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.json()) as { funding_id: string; status: string };
}
