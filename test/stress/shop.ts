import { ask, send, type Reply, type ApiNode } from './apiNode.js';

export const PRICE = 0.005;
/** What the seller gets of PRICE: less 0.4 %. */
export const NET = 0.00498;
export const FUNDS = 1_000;

/** Sums and differences of prices without the dust of binary fractions. */
export function money(amount: number): number {
  return Number(amount.toFixed(6));
}

/** A seller with a service at PRICE, and a buyer with money. */
export interface Shop {
  readonly seller: Party;
  readonly buyer: Party;
  readonly serviceId: string;
}

export interface Party {
  readonly key: string;
  readonly wallet: string;
}

let shops = 0;

/** Longer than any test: processes are started between the steps of a call, each of which takes a busy machine twenty seconds. */
const SLA_SECONDS = 3_600;

export async function openShop(node: ApiNode, { funds = FUNDS } = {}): Promise<Shop> {
  const [seller, buyer] = await Promise.all([join(node, 'Seller'), join(node, 'Buyer')]);
  if (funds > 0)
    await ask(node, buyer.key, `POST /v1/wallets/${buyer.wallet}/fund`, {
      amount: funds,
      source: 'test_faucet',
    });
  return { seller, buyer, serviceId: await offer(node, seller) };
}

async function join(node: ApiNode, name: string): Promise<Party> {
  const agent = await ask(node, '', 'POST /v1/agents', { name }, 201);
  return { key: agent['api_key'], wallet: agent['wallet_id'] };
}

/** Registers a service of the seller at PRICE; gives its id. */
export async function offer(node: ApiNode, seller: Party): Promise<string> {
  const service = {
    name: `Service ${++shops}`,
    price_per_call: PRICE,
    sla: { max_completion_seconds: SLA_SECONDS },
  };
  return (await ask(node, seller.key, 'POST /v1/services', service, 201))['id'];
}

export async function balance(
  node: ApiNode,
  { key, wallet }: Party,
): Promise<{ available: number; held: number }> {
  const { available, held } = await ask(node, key, `GET /v1/wallets/${wallet}/balance`);
  return { available, held };
}

/** The requests that take a token through its life, in order. */
export const steps = ['authorize', 'verify', 'call-started', 'call-accepted', 'call-completed'] as const;
export type Step = (typeof steps)[number];

/** The state that each step leads to. */
export const stateAfter: Record<Step, string> = {
  authorize: 'reserved',
  verify: 'redeemed',
  'call-started': 'in_flight',
  'call-accepted': 'accepted',
  'call-completed': 'settled',
};

/** A token as its two sides know it; unknown until authorize was answered. */
export interface Bought {
  tokenId?: string;
  signed?: string;
}

/** Sends the request of a step for a token, and keeps what authorize answers. */
export async function take(
  step: Step,
  node: ApiNode,
  shop: Shop,
  bought: Bought,
): Promise<Reply | undefined> {
  const { seller, buyer, serviceId } = shop;
  if (step === 'verify') return send(node, seller.key, 'POST /v1/x402/verify', { token: bought.signed });
  if (step !== 'authorize') return send(node, seller.key, `POST /v1/x402/tokens/${bought.tokenId}/${step}`);
  const response = await send(node, buyer.key, `POST /v1/services/${serviceId}/authorize`, {
    from_wallet_id: buyer.wallet,
  });
  if (response?.status === 201)
    Object.assign(bought, { tokenId: response.body['token_id'], signed: response.body['token'] });
  return response;
}

/** A new token taken through the first `count` steps. */
export async function buy(node: ApiNode, shop: Shop, count = 1): Promise<Required<Bought>> {
  const bought: Bought = {};
  for (const step of steps.slice(0, count)) {
    const response = await take(step, node, shop, bought);
    if (response === undefined || response.status >= 300)
      throw new Error(`${step}: ${JSON.stringify(response)}`);
  }
  return bought as Required<Bought>;
}
