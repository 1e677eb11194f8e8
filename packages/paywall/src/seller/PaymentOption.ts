import { findNetwork, MICRO_DECIMALS, parseBaseUnits, type Amount, type Network } from '@agentpay/primitives';
import {
  addressSchema,
  checksumAddress,
  uint256Schema,
  type Address,
  type Facilitator,
} from '@agentpay/protocol';
import { z } from 'zod';
import { httpUrl, objectWith } from './checks.js';
import type { HoldTerms } from './HoldTerms.js';
import { checkKnown } from './known.js';

/** How a token moves: by an authorization of its own (EIP-3009), or by Permit2, which works for every ERC-20 token. */
export type TransferMethod = 'eip3009' | 'permit2';

/** A token that a seller takes. */
export interface PayableToken {
  readonly address: Address;
  readonly decimals: number;
  /** EIP-712 name and version of the contract; EIP-3009 needs them. */
  readonly eip712?: { readonly name: string; readonly version: string } | undefined;
}

/** How a network is watched for transfers that buyers make themselves. */
export interface Transfers {
  readonly rpcUrl: string;
  readonly confirmations: number;
  readonly hashes: boolean;
}

/** The same as a seller writes it. */
export interface TransferOptions {
  /** JSON-RPC endpoint of the network. */
  readonly rpcUrl: string;
  /** Confirmations that a transfer needs; 1 is its own block. Default 1. */
  readonly confirmations?: number;
  /** Whether transfers that the buyer has broadcast count. Default: only those that the seller broadcasts. */
  readonly hashes?: boolean;
}

/** One way for a seller to be paid: which token, how it moves, to whom, and who moves it. */
export interface PaymentOption {
  readonly network: Network;
  readonly asset: PayableToken;
  readonly transferMethod: TransferMethod;
  /** Base units of the token that are due, whatever the price in dollars; undefined: the price. */
  readonly amount: Amount | undefined;
  readonly payTo: Address;
  readonly facilitator: Facilitator;
  /** For people: its URL, or those of a list. */
  readonly facilitatorName: string;
  /** How many facilitators that is: payers up to a ceiling name the one. */
  readonly facilitatorCount: number;
  /** The facilitator's account that such payers name; undefined while it is not known. */
  readonly uptoAccount?: Address | undefined;
  /** The terms of holds; undefined while they are not known. */
  readonly holdTerms?: HoldTerms | undefined;
  readonly transfers: Transfers | undefined;
}

/** An option as a seller writes it: USDC on a network. What is left out is as in the options of `paywall()`. */
export interface Accept {
  /** CAIP-2 id or x402 name. */
  readonly network?: string;
  readonly payTo?: string;
  /** Must be one that settles on this network. */
  readonly facilitator?: string | Facilitator | readonly (string | Facilitator)[];
  /** Another token than USDC. It counts as a dollar unless `amount` says what is due. */
  readonly asset?: Omit<PayableToken, 'address'> & { readonly address: string };
  /** Default "eip3009". */
  readonly transferMethod?: TransferMethod;
  /** What a request costs in base units of the token, in place of the price; for the `accepts` of a route with a fixed price. */
  readonly amount?: string;
  /** Takes MPP credentials of types `transaction` and `hash` as well. */
  readonly transfers?: TransferOptions;
}

/** What an {@link Accept} leaves out. */
type Defaults = Required<Pick<Accept, 'network' | 'payTo' | 'facilitator'>>;

/** Opens the facilitator of an option. */
type FacilitatorOf = (option: Defaults['facilitator']) => Facilitator;

const networkError = 'must be "base-sepolia", "base" or their CAIP-2 id';
export const networkSchema = z.string().refine((name) => findNetwork(name) !== undefined, networkError);
export const payToSchema = z.custom<Address>(
  (value) => typeof value === 'string' && faultOf(value) === undefined,
  { error: ({ input }) => faultOf(input) ?? '' },
);

/** What is wrong with a recipient. It is never repeated: it may be a secret. */
function faultOf(payTo: unknown): string | undefined {
  if (payTo === undefined || payTo === '')
    return 'is missing: give the address that receives the money, "0x" and 40 hex digits (is an environment variable not set?)';
  if (typeof payTo !== 'string') return 'must be an address as text, "0x" and 40 hex digits';
  if (/^(?:0x)?[0-9a-f]{64}$/i.test(payTo))
    return 'looks like a private key: give the address instead, and never the key. If it was used anywhere, it is not safe any more';
  if (/^[^\s]+\.[a-z]{2,}$/i.test(payTo))
    return 'is a name: names are not looked up here, give the address that it stands for';
  if (!addressSchema.safeParse(payTo).success) return 'must be an address, "0x" and 40 hex digits';
  return isPayable(payTo) ? undefined : 'must be an address with a right checksum, and not the zero address';
}

const oneFacilitator = z.union([httpUrl, objectWith<Facilitator>('verify', 'settle', 'supported')]);
const facilitatorError =
  'must be an http URL as text, such as "http://127.0.0.1:3102", or a Facilitator, or a list of them';
export const facilitatorSchema = z.union([oneFacilitator, z.array(oneFacilitator).min(1).max(8)], {
  error: facilitatorError,
});

const nameSchema = z.string().min(1).max(100);
const acceptShape = {
  network: networkSchema.optional(),
  payTo: payToSchema.optional(),
  facilitator: facilitatorSchema.optional(),
  asset: z
    .strictObject({
      address: payToSchema,
      decimals: z.number().int().min(0).max(36),
      eip712: z.strictObject({ name: nameSchema, version: nameSchema }).optional(),
    })
    .optional(),
  transferMethod: z.enum(['eip3009', 'permit2']).optional(),
  amount: uint256Schema.refine((text) => text !== '0', 'must not be zero').optional(),
  transfers: z
    .strictObject({
      rpcUrl: httpUrl,
      confirmations: z.number().int().min(1).max(1000).optional(),
      hashes: z.boolean().optional(),
    })
    .optional(),
};
export const acceptsSchema = z.array(z.object(acceptShape)).min(1).max(16);

function isPayable(address: string): boolean {
  const digits = address.slice(2);
  const unmixed = digits === digits.toLowerCase() || digits === digits.toUpperCase();
  return !/^0+$/.test(digits) && (unmixed || checksumAddress(address) === address);
}

/** @throws TypeError for an unknown member, a token that lacks something, or when two paymentOptions are the same */
export function readPaymentOptions(
  accepts: readonly Accept[],
  defaults: Defaults,
  facilitatorOf: FacilitatorOf,
): readonly [PaymentOption, ...PaymentOption[]] {
  const paymentOptions = accepts.map((accept): PaymentOption => {
    checkKnown(accept, Object.keys(acceptShape), 'accepts');
    const {
      network: name,
      payTo,
      facilitator,
      transferMethod = 'eip3009',
      amount,
    } = { ...defaults, ...accept };
    const network = findNetwork(name) as Network;
    const asset = accept.asset
      ? { ...accept.asset, address: checksumAddress(accept.asset.address) }
      : network.usdc;
    if (transferMethod === 'eip3009' && !asset.eip712) {
      throw new TypeError(
        'accepts: asset needs eip712, the name and version of its contract, or transferMethod "permit2".',
      );
    }
    const { transfers } = accept;
    return {
      network,
      asset,
      transferMethod,
      amount: amount === undefined ? undefined : parseBaseUnits(amount),
      payTo: checksumAddress(payTo),
      facilitator: facilitatorOf(facilitator),
      facilitatorName: facilitatorsIn(facilitator).map(nameOf).join(', '),
      facilitatorCount: facilitatorsIn(facilitator).length,
      transfers: transfers && { confirmations: 1, hashes: false, ...transfers },
    };
  });
  const names = paymentOptions.map(({ network, asset, transferMethod, payTo }) =>
    [network.id, asset.address, transferMethod, payTo].join(' '),
  );
  if (new Set(names).size < paymentOptions.length)
    throw new TypeError('accepts: names one network, token and recipient twice.');
  return paymentOptions as [PaymentOption, ...PaymentOption[]];
}

/** The facilitators of an option, which is one or a list. */
export function facilitatorsIn(option: Defaults['facilitator']): readonly (string | Facilitator)[] {
  return (Array.isArray(option) ? option : [option]) as readonly (string | Facilitator)[];
}

function nameOf(one: string | Facilitator): string {
  return typeof one === 'string' ? one : 'the facilitator in this process';
}

/** What a price in micro-dollars is in base units of the option's token. @throws TypeError when the token has no unit that small */
export function dueIn({ asset, amount }: Pick<PaymentOption, 'asset' | 'amount'>, price: Amount): Amount {
  if (amount !== undefined) return amount;
  const finer = asset.decimals - MICRO_DECIMALS;
  if (finer >= 0) return price * 10n ** BigInt(finer);
  const unit = 10n ** BigInt(-finer);
  if (price % unit !== 0n)
    throw new TypeError(`accepts: the price is too fine for a token of ${asset.decimals} decimals.`);
  return price / unit;
}

/** The price in micro-dollars for which so many base units are due; undefined when there is none. */
export function priceOf({ asset }: Pick<PaymentOption, 'asset'>, due: Amount): Amount | undefined {
  const finer = asset.decimals - MICRO_DECIMALS;
  if (finer < 0) return due * 10n ** BigInt(-finer);
  const unit = 10n ** BigInt(finer);
  return due % unit === 0n ? due / unit : undefined;
}
