import type { ServerResponse } from 'node:http';
import { AgentPayError } from '@agentpay/primitives';
import type { Facilitator, x402v2 } from '@agentpay/protocol';
import { paywall, type PaywallOptions } from '../index.js';
import {
  HASH,
  NETWORK,
  PAY_TO,
  fakeFacilitator,
  hasty,
  listen,
  type FakeFacilitator,
  type Seller,
} from '../seller.test.support.js';

const sellers: Seller[] = [];

/** Ends every seller of this file; for `afterEach`. */
export async function closeSellers(): Promise<void> {
  await Promise.all(sellers.splice(0).map((seller) => seller.close()));
}

export type Options = Partial<PaywallOptions> & {
  settle?: 'after' | 'before';
  handler?: (res: ServerResponse, served: number) => unknown;
};

export async function open(
  facilitator: Facilitator,
  { settle = 'after', handler, ...options }: Options = {},
) {
  const served = { count: 0 };
  const wall = paywall({ payTo: PAY_TO, facilitator, clock: hasty, logger: false, ...options });
  const charge = wall.charge({ price: '$0.01', settle });
  const seller = await listen((req, res) => {
    charge(req, res, () => {
      served.count++;
      return handler ? handler(res, served.count) : res.end(`answer ${served.count}`);
    });
  });
  sellers.push(seller);
  return { seller, served };
}

export const unknown = () => new AgentPayError('settlement_unknown', 'lost');
export const away = () => new AgentPayError('facilitator_unavailable', 'away');

/** A facilitator whose first settlements go wrong as told, and then right. */
export function faulty(faults: ((honest: FakeFacilitator) => Facilitator['settle'])[]): FakeFacilitator {
  const honest = fakeFacilitator();
  let call = 0;
  const facilitator = fakeFacilitator({
    verify: honest.verify,
    settle: (asked) => (faults[call++]?.(honest) ?? honest.settle)(asked),
  });
  return { ...facilitator, moved: honest.moved };
}

export const lost =
  (honest: FakeFacilitator): Facilitator['settle'] =>
  async (asked) => {
    await honest.settle(asked);
    throw unknown();
  };
export const pending =
  (honest: FakeFacilitator): Facilitator['settle'] =>
  async (asked) => {
    await honest.settle(asked);
    return { success: false, errorReason: 'settlement_pending', transaction: HASH, network: NETWORK.id };
  };
export const unreachable = (): Facilitator['settle'] => async () => {
  throw away();
};
export const refusing =
  (errorReason: string, beside: Partial<x402v2.SettleResponse> = {}) =>
  (): Facilitator['settle'] => {
    return async () => ({ success: false, errorReason, transaction: '', network: NETWORK.id, ...beside });
  };
export const NONCE_USED = 'invalid_exact_evm_nonce_already_used';
export const OFFER_HEADERS = {
  x402v2: 'payment-required',
  x402v1: 'payment-required',
  mpp: 'www-authenticate',
};
