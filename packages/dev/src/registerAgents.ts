import { formatDecimal, parsePrice } from '@agentpay/primitives';
import { createApiClient, type ApiClientOptions } from '@agentpay/sdk';
import type { StackAgent, StackState } from './DataDir.js';

/** Sandbox money in the buyer's wallet at each start. */
const BUYER_FUNDS = 100;

/** Makes buyer, seller and the seller's service at the API, unless the folder knows them from an earlier start, and funds the buyer. */
export async function registerAgents(
  state: StackState,
  { apiUrl, sellerUrl, price }: { apiUrl: string; sellerUrl: string; price: string },
): Promise<Required<StackState>> {
  const buyer = state.buyer ?? (await createAgent({ url: apiUrl }, 'Example buyer'));
  const seller = state.seller ?? (await createAgent({ url: apiUrl, apiKey: buyer.apiKey }, 'Example seller'));
  const serviceId = state.serviceId ?? (await registerService(apiUrl, seller, sellerUrl, price));
  await createApiClient({ url: apiUrl, apiKey: buyer.apiKey }).wallets.fund({
    wallet_id: buyer.walletId,
    amount: BUYER_FUNDS,
    source: 'test_faucet',
  });
  return { ...state, buyer, seller, serviceId };
}

/** With the key of an agent the new one is of its group, so that each of them sees the other. */
async function createAgent(options: ApiClientOptions, name: string): Promise<StackAgent> {
  const { id, api_key, wallet_id } = await createApiClient(options).agents.create({
    name,
    operator: 'local',
  });
  return { agentId: id, walletId: wallet_id, apiKey: api_key };
}

async function registerService(
  url: string,
  seller: StackAgent,
  endpoint: string,
  price: string,
): Promise<string> {
  const client = createApiClient({ url, apiKey: seller.apiKey });
  const { id } = await client.services.create({
    name: 'Example paid API',
    description: 'Sells a response per call',
    price_per_call: formatDecimal(parsePrice(price)),
    category: 'data',
    endpoint_url: endpoint,
  });
  return id;
}
