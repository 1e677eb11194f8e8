import { baseSepolia } from '@agentpay/primitives';
import { createClient, type Client } from './Client.js';
import type { ClientOptions } from './options.js';
import { PaymentError } from './PaymentError.js';
import {
  BUYER_KEY,
  PAY_TO,
  WALLET,
  askMpp,
  failure,
  hurriedClock,
  startSeller,
  type Ask,
  type Seller,
} from './seller.test.support.js';

export const clock = hurriedClock();
export const client = (options: Partial<ClientOptions> = {}): Client =>
  createClient({ privateKey: BUYER_KEY, clock, ...options });
export const agentpay = { url: 'http://127.0.0.1:9', apiKey: 'secret key', walletId: WALLET };
const isBudget = (reason: string) => /^(per_request|total)$/.test(reason);

/** An MPP challenge for another charge than the usual one. */
export function askCharge(charge: object, details: object = {}, parts: object = {}): Ask {
  const methodDetails = { chainId: 84532, credentialTypes: ['authorization'], ...details };
  const request = {
    amount: '10000',
    currency: baseSepolia.usdc.address,
    recipient: PAY_TO,
    methodDetails,
    ...charge,
  };
  return askMpp(clock, { request, ...parts });
}

/** The request fails with this reason, the seller has no proof, and nothing counts as signed. */
export async function refusesUnsigned(
  ask: Ask,
  reason: string,
  options: Partial<ClientOptions> = {},
  path = '',
): Promise<void> {
  const seller = await startSeller(ask);
  const buyer = client(options);
  const error = await failure(buyer.fetch(seller.url + path));
  expect(error).toBeInstanceOf(PaymentError);
  expect([error?.reason, error?.kind]).toEqual([
    reason,
    isBudget(reason) ? 'budget_exceeded' : 'offer_not_acceptable',
  ]);
  expect(error?.response?.status).toBe(402);
  expect(error?.payment).toBeUndefined();
  expect(seller.proofs).toHaveLength(0);
  expect(buyer.spent().every(({ signed }) => signed === 0n)).toBe(true);
}

export async function pays(
  seller: Seller,
  options: Partial<ClientOptions> = {},
): Promise<Seller['proofs'][number]> {
  expect((await client(options).fetch(seller.url)).status).toBe(200);
  expect(seller.proofs).toHaveLength(1);
  return seller.proofs[0] as Seller['proofs'][number];
}
