import { AgentPayError } from '@agentpay/primitives';
import {
  addressSchema,
  checksumAddress,
  isPrepaid,
  jcs,
  parseShape,
  purchaseText,
  sameHex,
  writeShortBalance,
  type Address,
  type FacilitatorRequest,
  type Hex,
  type Reason,
} from '@agentpay/protocol';
import { createHash } from 'node:crypto';
import type { PaymentRefusal, SchemeSettings, ServedToken } from './Scheme.js';

/** Seconds that an authorization must still live: a block or three to get into. */
export const MIN_LIFE_SECONDS = 6n;

/** What the seller requires, the same for both versions of x402 and every scheme. */
export interface PaymentTerms {
  readonly x402Version: 1 | 2;
  /** Scheme and network that the payer says it accepted. */
  readonly accepted: { readonly scheme: string; readonly network: string };
  readonly scheme: string;
  readonly network: string;
  readonly asset: Address;
  readonly payTo: Address;
  readonly amount: bigint;
  readonly resource: string;
  /** What the seller says that the payment buys; "" where it says nothing. */
  readonly purchase: string;
  /** Whether somebody else than the seller has it settled. That is another purchase: what a seller has settled is never prepaid. */
  readonly prepaid: boolean;
  readonly settings: SchemeSettings;
}

/** @throws AgentPayError `payment_malformed`, with the x402 reason `invalid_payment_requirements` */
export function readTerms(request: FacilitatorRequest, settings: SchemeSettings): PaymentTerms {
  const { scheme, network, asset, payTo } = request.paymentRequirements;
  return {
    x402Version: request.x402Version,
    ...versionTerms(request),
    scheme,
    network,
    asset: readAddress(asset, 'asset'),
    payTo: readAddress(payTo, 'payTo'),
    settings,
  };
}

function versionTerms(
  request: FacilitatorRequest,
): Pick<PaymentTerms, 'accepted' | 'amount' | 'resource' | 'purchase' | 'prepaid'> {
  if (request.x402Version === 1) {
    const { paymentPayload, paymentRequirements } = request;
    const accepted = { scheme: paymentPayload.scheme, network: paymentPayload.network };
    return {
      accepted,
      amount: BigInt(paymentRequirements.maxAmountRequired),
      resource: paymentRequirements.resource,
      purchase: purchaseText(paymentRequirements.extra),
      prepaid: false,
    };
  }
  const { accepted, resource, extensions } = request.paymentPayload;
  return {
    accepted,
    amount: BigInt(request.paymentRequirements.amount),
    resource: resource?.url ?? '',
    purchase: purchaseText(extensions),
    prepaid: isPrepaid(extensions),
  };
}

function readAddress(value: string, field: string): Address {
  return checksumAddress(
    malformedAs('invalid_payment_requirements', () =>
      parseShape(addressSchema, value, `paymentRequirements.${field}`),
    ),
  );
}

/** Gives what goes wrong in reading an x402 reason. @throws AgentPayError `payment_malformed` */
export function malformedAs<T>(reason: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new AgentPayError('payment_malformed', (error as Error).message, { reason });
  }
}

/** One text for one payment for one purchase; `proof` is all that the payer sent. */
export function fingerprintOf(
  { x402Version, network, asset, payTo, amount, resource, purchase, prepaid }: PaymentTerms,
  proof: readonly string[],
): string {
  const terms = jcs({
    x402Version,
    network,
    asset: asset.toLowerCase(),
    payTo: payTo.toLowerCase(),
    amount: amount.toString(),
    resource,
    ...(purchase && { purchase }),
    ...(prepaid && { prepaid }),
  });
  return createHash('sha256')
    .update([terms, ...proof.map((text) => text.toLowerCase())].join('\n'))
    .digest('hex');
}

export function refuse(when: boolean, reason: Reason, message: string): PaymentRefusal | undefined {
  return when ? { reason, message } : undefined;
}

export function refuseOtherNetwork(
  { accepted, network }: PaymentTerms,
  reason: Reason,
): PaymentRefusal | undefined {
  return refuse(accepted.network !== network, reason, 'Payload and requirements name different networks.');
}

/** Refuses a payer that holds less than `needed`. */
export function refuseShortBalance(
  { network }: PaymentTerms,
  reason: Reason,
  short: { readonly payer: Address; readonly held: bigint; readonly needed: bigint },
): PaymentRefusal | undefined {
  return refuse(short.held < short.needed, reason, writeShortBalance({ ...short, network }));
}

/** The token of the requirements, if this facilitator moves it. */
export function servedToken({ asset, settings: { assets } }: PaymentTerms): ServedToken | undefined {
  return assets.find(({ address }) => sameHex(address, asset));
}

// Checks that every scheme makes.

interface OfTerms {
  readonly payment: PaymentTerms;
}

export function servedNetwork({
  payment: { network, x402Version, settings },
}: OfTerms): PaymentRefusal | undefined {
  const name = x402Version === 1 ? settings.network.name : settings.network.id;
  return refuse(network !== name, 'invalidNetwork', `This facilitator serves ${name} only.`);
}

export function servedAsset({ payment }: OfTerms): PaymentRefusal | undefined {
  return refuse(!servedToken(payment), 'assetNotAllowed', 'This facilitator does not move that token.');
}

export function servedRecipient({ payment: { payTo, settings } }: OfTerms): PaymentRefusal | undefined {
  const served = settings.payTo === undefined || settings.payTo.some((allowed) => sameHex(allowed, payTo));
  return refuse(!served, 'recipientNotAllowed', 'The payee is not served here.');
}

/** A refusal when an authorization that ends then lives longer than the facilitator lets it. */
export function tooLong(
  end: bigint,
  reason: Reason,
  { payment, nowSeconds }: OfTerms & { nowSeconds: bigint },
): PaymentRefusal | undefined {
  const longest = payment.settings.maxValidBeforeSeconds;
  return refuse(
    end > nowSeconds + BigInt(longest),
    reason,
    `The authorization lives longer than ${longest} seconds.`,
  );
}

/** Bytes of a signature or an authorization in the one form in which they are compared. */
export const lower = (hex: Hex): Hex => hex.toLowerCase() as Hex;
