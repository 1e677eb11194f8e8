import type { FacilitatorRequest } from '@agentpay/protocol';
import { eip3009 } from './eip3009.js';
import { hold } from './escrow/hold.js';
import { orderScheme } from './escrow/order.js';
import { exactPermit2 } from './exactPermit2.js';
import { upto } from './upto.js';
import type { GasLimits, Order, Scheme, SchemeName, SettlementTransfer } from './Scheme.js';

/** Every way to pay; the first that takes a request reads it. */
const schemes: readonly Scheme[] = [
  exactPermit2,
  upto,
  eip3009,
  orderScheme('capture'),
  orderScheme('void'),
  orderScheme('refund'),
  hold,
];

const byName = new Map<SchemeName, Scheme>(schemes.map((scheme) => [scheme.name, scheme]));

/** The scheme of a request; undefined when none of them takes it. */
export function schemeOf(request: FacilitatorRequest): Scheme | undefined {
  return schemes.find((scheme) => scheme.takes(request));
}

/** How the money of a recorded payment moves, which was claimed at that time (seconds since the Unix epoch) or later. */
export function transferOf(order: Order, gas: GasLimits, since?: bigint): SettlementTransfer {
  return (byName.get(order.scheme) as Scheme).transfer(order, gas, since);
}
