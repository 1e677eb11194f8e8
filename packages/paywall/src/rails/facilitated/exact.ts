import {
  exactPayloadSchema,
  parseShape,
  reasonCode,
  sameHex,
  type ExactPayload,
  type Reason,
} from '@agentpay/protocol';
import type { PaywallConfig } from '../../seller/PaywallConfig.js';
import { Refusal, type ProvenPayment } from '../../paid/Payment.js';
import type { PricedOption } from '../../offer/Quote.js';
import { facilitatedPayment, type FacilitatedProof } from './facilitated.js';

/** An EIP-3009 authorization as one dialect brought it. */
export interface ExactProof extends FacilitatedProof {
  readonly authorization: ExactPayload['authorization'];
}

/** The payment that an EIP-3009 authorization makes. @throws Refusal when the authorization does not pay this offer */
export function exactPayment(config: PaywallConfig, offer: PricedOption, proof: ExactProof): ProvenPayment {
  const { asset, payTo } = offer.option;
  const { authorization, request } = proof;
  const refusal = (reason: Reason, message: string) =>
    new Refusal(reasonCode(reason, request.x402Version), message);
  if (!sameHex(authorization.to, payTo))
    throw refusal('recipientMismatch', 'The authorization pays somebody else.');
  if (authorization.value !== offer.v2.amount) {
    throw refusal('valueMismatch', `The authorization is not over ${offer.v2.amount} base units.`);
  }
  const transfer = {
    payer: authorization.from,
    contract: asset.address,
    nonce: authorization.nonce,
    // Both bounds are exclusive.
    startsAt: BigInt(authorization.validAfter) + 1n,
    endsAt: BigInt(authorization.validBefore),
    reasons: { early: 'validAfter', late: 'validBefore' },
  } as const;
  return facilitatedPayment(config, offer, transfer, proof);
}

/** @throws AgentPayError `payment_malformed` */
export function readExact(payload: unknown): ExactPayload {
  return parseShape(exactPayloadSchema, payload, 'payload of scheme exact');
}
