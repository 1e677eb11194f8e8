import { AgentPayError, findNetwork } from '@agentpay/primitives';
import {
  addressSchema,
  checksumAddress,
  exactPayloadSchema,
  jcs,
  parseShape,
  toAuthorization,
  type Address,
  type Authorization,
  type FacilitatorRequest,
  type Hex,
} from '@agentpay/protocol';
import { createHash } from 'node:crypto';

/** A payment by scheme `exact` (EIP-3009), the same for both versions of x402. */
export interface ExactPayment {
  readonly x402Version: 1 | 2;
  /** Scheme and network that the payer says it accepted. */
  readonly accepted: { readonly scheme: string; readonly network: string };
  /** What the seller requires. */
  readonly scheme: string;
  readonly network: string;
  readonly asset: Address;
  readonly payTo: Address;
  readonly amount: bigint;
  /** EIP-712 name and version of the token, as the seller states them. */
  readonly tokenName: string | undefined;
  readonly tokenVersion: string | undefined;
  readonly resource: string;
  readonly authorization: Authorization;
  readonly signature: Hex;
}

/**
 * Reads the scheme's part of a request.
 * @throws AgentPayError `payment_malformed`, with the x402 reason `invalid_payload` or `invalid_payment_requirements`
 */
export function readExact(request: FacilitatorRequest): ExactPayment {
  const { scheme, network, extra } = request.paymentRequirements;
  const payload = read('invalid_payload', () => parseShape(exactPayloadSchema, request.paymentPayload.payload, 'payload'));
  return {
    x402Version: request.x402Version,
    ...versionTerms(request),
    scheme,
    network,
    asset: readAddress(request.paymentRequirements.asset, 'asset'),
    payTo: readAddress(request.paymentRequirements.payTo, 'payTo'),
    tokenName: text(extra?.['name']),
    tokenVersion: text(extra?.['version']),
    authorization: canonical(toAuthorization(payload.authorization)),
    signature: payload.signature,
  };
}

function versionTerms(request: FacilitatorRequest) {
  if (request.x402Version === 1) {
    const { paymentPayload, paymentRequirements } = request;
    const accepted = { scheme: paymentPayload.scheme, network: paymentPayload.network };
    return { accepted, amount: BigInt(paymentRequirements.maxAmountRequired), resource: paymentRequirements.resource };
  }
  const { accepted, resource } = request.paymentPayload;
  return { accepted, amount: BigInt(request.paymentRequirements.amount), resource: resource?.url ?? '' };
}

/** Names one payment for one purchase: equal only when payload, amount, recipient and resource are. */
export function fingerprint(payment: ExactPayment): string {
  const { x402Version, network, asset, payTo, amount, resource, authorization, signature } = payment;
  const terms = jcs({ x402Version, network, asset: lower(asset), payTo: lower(payTo), amount: amount.toString(), resource });
  const proof = Object.values(authorization).map((value) => lower(String(value)));
  return createHash('sha256').update([terms, ...proof, lower(signature)].join('\n')).digest('hex');
}

/** CAIP-2 id of the payment's network, however it is written; undefined when unknown. */
export function networkId(payment: ExactPayment): string | undefined {
  return findNetwork(payment.network)?.id;
}

function read<T>(reason: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new AgentPayError('payment_malformed', (error as Error).message, { reason });
  }
}

function readAddress(value: string, field: string): Address {
  return checksumAddress(read('invalid_payment_requirements', () => parseShape(addressSchema, value, `paymentRequirements.${field}`)));
}

/** Addresses may come in any case, also with a checksum that is wrong; they leave in the one form that everybody takes. */
function canonical(authorization: Authorization): Authorization {
  return { ...authorization, from: checksumAddress(authorization.from), to: checksumAddress(authorization.to) };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function lower(value: string): string {
  return value.toLowerCase();
}
