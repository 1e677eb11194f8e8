import { findNetwork, type Asset, type Network } from '@agentpay/primitives';
import { addressSchema, checksumAddress, type Address, type Facilitator } from '@agentpay/protocol';
import { z } from 'zod';
import { httpUrl, objectWith } from './checks.js';
import { checkKnown } from './known.js';

/** One way for a seller to be paid: which token, to whom, and who moves it. */
export interface Tender {
  readonly network: Network;
  readonly asset: Asset;
  readonly payTo: Address;
  readonly facilitator: Facilitator;
}

/** A tender as a seller writes it: USDC on a network. What is left out is as in the options of `paywall()`. */
export interface Accept {
  /** CAIP-2 id or x402 name. */
  readonly network?: string;
  readonly payTo?: string;
  /** Must be one that settles on this network. */
  readonly facilitator?: string | Facilitator | readonly (string | Facilitator)[];
}

const networkError = 'must be "base-sepolia", "base" or their CAIP-2 id';
export const networkSchema = z.string().refine((name) => findNetwork(name) !== undefined, networkError);
export const payToSchema = addressSchema.refine(isPayable, 'must be an address with a right checksum, and not the zero address');

const oneFacilitator = z.union([httpUrl, objectWith<Facilitator>('verify', 'settle', 'supported')]);
const facilitatorError = 'must be an http URL or a Facilitator, or a list of them';
export const facilitatorSchema = z.union([oneFacilitator, z.array(oneFacilitator).min(1).max(8)], { error: facilitatorError });

const acceptShape = { network: networkSchema.optional(), payTo: payToSchema.optional(), facilitator: facilitatorSchema.optional() };
export const acceptsSchema = z.array(z.object(acceptShape)).min(1).max(16);

function isPayable(address: string): boolean {
  const digits = address.slice(2);
  const unmixed = digits === digits.toLowerCase() || digits === digits.toUpperCase();
  return !/^0+$/.test(digits) && (unmixed || checksumAddress(address) === address);
}

/** @throws TypeError for an unknown member, or when two tenders are the same */
export function readTenders(
  accepts: readonly Accept[],
  defaults: Required<Accept>,
  facilitatorOf: (option: Required<Accept>['facilitator']) => Facilitator,
): readonly [Tender, ...Tender[]] {
  const tenders = accepts.map((accept) => {
    checkKnown(accept, Object.keys(acceptShape), 'accepts');
    const { network: name, payTo, facilitator } = { ...defaults, ...accept };
    const network = findNetwork(name) as Network;
    return { network, asset: network.usdc, payTo: checksumAddress(payTo), facilitator: facilitatorOf(facilitator) };
  });
  const distinct = new Set(tenders.map(({ network, payTo }) => `${network.id} ${payTo}`));
  if (distinct.size < tenders.length) throw new TypeError('accepts: names one network and recipient twice.');
  return tenders as [Tender, ...Tender[]];
}
