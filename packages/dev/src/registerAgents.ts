import { formatDecimal, parsePrice } from '@agentpay/primitives';
import { createApiClient, type ApiClientOptions } from '@agentpay/sdk';
import { makeScenarios, withKey } from './buyers.js';
import type { StackAgent, StackState } from './DataDir.js';
import { signInAsOwner, type OwnerApi } from './ownerApi.js';
import { fundedUserKey } from './userKey.js';

/** Sandbox money in the buyer's wallet at each start. */
const BUYER_FUNDS = 100;

/** What a start makes anew: the session of the user who owns the agents. */
export interface RegisteredAgents {
  readonly state: Required<Omit<StackState, 'developer'>> & StackState;
  /** The `Cookie` header. */
  readonly cookie: string;
}

/** Makes buyer, seller and the seller's service at the API, unless the folder knows them from an earlier start, and funds the buyer. */
export async function registerAgents(
  state: StackState,
  {
    apiUrl,
    sellerUrl,
    price,
    fund,
  }: { apiUrl: string; sellerUrl: string; price: string; fund: (address: string) => Promise<unknown> },
): Promise<RegisteredAgents> {
  const owner = await signInAsOwner(apiUrl);
  // A folder of an earlier version has a buyer that nobody owns.
  const kept = state.buyer && (await addressOf(owner, state.buyer.agentId)) !== undefined;
  const buyer = kept ? (state.buyer as StackAgent) : await createOwned(owner, 'Example buyer');
  const paying = fundOnChain(owner, buyer, fund);
  paying.catch(() => undefined);
  // What another database knows, this one does not.
  const known: Partial<StackState> = kept ? state : {};
  const agentKey = known.agentKey ?? (await withKey(owner, buyer.agentId)).agent_key;
  const userKey = await fundedUserKey(owner, { apiUrl, known: known.userKey, fund });
  const scenarios = known.scenarios ?? (await makeScenarios(owner));
  const seller = known.seller ?? (await createAgent({ url: apiUrl, apiKey: buyer.apiKey }, 'Example seller'));
  const serviceId = known.serviceId ?? (await registerService(apiUrl, seller, sellerUrl, price));
  await createApiClient({ url: apiUrl, apiKey: buyer.apiKey }).wallets.fund({
    wallet_id: buyer.walletId,
    amount: BUYER_FUNDS,
    source: 'test_faucet',
  });
  await paying;
  const { developer: _developer, ...secrets } = state;
  return {
    state: { ...(kept ? state : secrets), buyer, seller, serviceId, agentKey, userKey, scenarios },
    cookie: owner.cookie,
  };
}

async function fundOnChain(
  owner: OwnerApi,
  { agentId }: StackAgent,
  fund: (address: string) => Promise<unknown>,
): Promise<void> {
  const address = await addressOf(owner, agentId);
  if (address) await fund(address);
}

/** Where the money of an agent is; undefined for one that is not the user's. */
async function addressOf(owner: OwnerApi, agentId: string): Promise<string | null | undefined> {
  return (await owner.call<{ address: string | null }>('GET', `/api/agents/${agentId}`))?.address;
}

/** An agent of the user. */
async function createOwned(owner: OwnerApi, name: string): Promise<StackAgent> {
  const body = { name, operator: 'local' };
  type Made = { id: string; api_key: string; wallet_id: string };
  const { id, api_key, wallet_id } = (await owner.call<Made>('POST', '/v1/agents', body)) as Made;
  return { agentId: id, walletId: wallet_id, apiKey: api_key };
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
