import { AgentPayError } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';
import { exactPayloadSchema, sameHex, toAuthorization, x402v2 } from '@agentpay/protocol';
import type { ExactPayload, Facilitator, FacilitatorRequest, Hex } from '@agentpay/protocol';
import type { Core } from '../Core.js';
import { chainOf } from '../custody/index.js';
import { LEFT_SECONDS } from './DirectPurchase.js';
import type { DirectPayment, DirectPurchase } from './DirectPurchase.js';
import { reachable, requirements } from './requirements.js';

/** What a buyer sends with a direct purchase. */
export interface DirectProposal {
  readonly serviceId: string;
  readonly amount: Amount;
  /** The payment as an x402 v2 header has it. */
  readonly paymentHeader: string;
  /** Signature of the permit for the fee. */
  readonly feePermit: Hex;
  /** The wallet that the buyer named; undefined: that of the payment. */
  readonly buyerAddress?: string | undefined;
}

/** A purchase whose signatures are good, and until when its seller can accept it. */
export interface DirectOrder {
  readonly purchase: Omit<DirectPurchase, 'id'>;
  readonly until: Date;
}

/** An order that is over sooner than this is refused: nobody could accept it in time. */
const LEAST_SECONDS = 30;

/**
 * Checks payment and permit of a direct purchase against what it takes, and with chain and facilitator. Stores nothing.
 * @throws AgentPayError as `requirements` does; `payment_malformed`, `invalid_request` (reasons `offer_mismatch`, `payer_mismatch`,
 * `too_short`, `fee_permit_mismatch`), `insufficient_funds`, `payment_refused`
 */
export async function checkDirect(core: Core, proposal: DirectProposal): Promise<DirectOrder> {
  const { serviceId, amount, paymentHeader, feePermit: signature } = proposal;
  const { network, fee, feeWallet, offer } = await requirements(core, { amount, serviceId });
  const accepted = offer as x402v2.PaymentRequirements;
  const payload = readPayment(paymentHeader, accepted);
  const { from: payer, to: payee, nonce, validBefore } = toAuthorization(payload.authorization);
  if (!sameHex(proposal.buyerAddress ?? payer, payer))
    throw refuse('buyerWalletAddress', 'payer_mismatch', 'The payment is not from this wallet.');
  const permit = await reachable(() => feeWallet.signedPermit({ owner: payer, amount: fee, signature }));
  if (!permit)
    throw refuse(
      'feePermit',
      'fee_permit_mismatch',
      'The signature is not that of the permit for this fee by the wallet that pays.',
    );
  const ends = validBefore < permit.deadline ? validBefore : permit.deadline;
  const until = new Date(Number(ends - BigInt(LEFT_SECONDS)) * 1000);
  if (until.getTime() < core.clock.now() + LEAST_SECONDS * 1000)
    throw refuse('paymentHeader', 'too_short', 'The signatures are good for too short a time.');
  const balance = await reachable(() => chainOf(core, network.id).balanceOf(payer));
  if (balance < amount + fee)
    throw new AgentPayError('insufficient_funds', 'The wallet has less than the amount and its fee.', {
      details: { required: amount + fee, available: balance },
    });
  const payment = { accepted, payload };
  await verify(core.ports.facilitator as Facilitator, payment);
  const { spender, nonce: permitNonce, deadline } = permit;
  return {
    until,
    purchase: {
      network: network.id,
      payer: payer.toLowerCase(),
      payee: payee.toLowerCase(),
      amount,
      fee,
      payment,
      paymentNonce: nonce.toLowerCase(),
      permit: { spender, nonce: permitNonce.toString(), deadline: deadline.toString(), signature },
      ...untouched,
    },
  };
}

const untouched = {
  feeHash: null,
  paymentHash: null,
  returnHash: null,
  returnSince: null,
  attempts: 0,
  nextAt: null,
  claimedUntil: null,
};

/** The request by which a facilitator verifies or settles a payment. */
export function requestOf({ accepted, payload }: DirectPayment): FacilitatorRequest {
  return {
    x402Version: 2,
    paymentPayload: { x402Version: 2, accepted, payload },
    paymentRequirements: accepted,
  };
}

function readPayment(header: string, offer: x402v2.PaymentRequirements): ExactPayload {
  const { accepted, payload } = x402v2.decodePaymentPayload(header);
  if (!x402v2.isAcceptanceOf(accepted, offer))
    throw refuse('paymentHeader', 'offer_mismatch', 'The payment is for something else than this purchase.');
  const exact = exactPayloadSchema.safeParse(payload);
  if (!exact.success)
    throw new AgentPayError('payment_malformed', 'The payment has no authorization with its signature.', {
      param: 'paymentHeader',
    });
  const { to, value } = exact.data.authorization;
  if (!sameHex(to, offer.payTo) || value !== offer.amount)
    throw refuse('paymentHeader', 'offer_mismatch', 'The payment moves something else than this purchase.');
  return exact.data;
}

async function verify(facilitator: Facilitator, payment: DirectPayment): Promise<void> {
  const verdict = await reachable(() => facilitator.verify(requestOf(payment)));
  if (verdict.isValid) return;
  throw new AgentPayError('payment_refused', verdict.invalidMessage ?? 'The payment is not valid.', {
    param: 'paymentHeader',
    reason: verdict.invalidReason ?? 'not_valid',
  });
}

function refuse(param: string, reason: string, message: string): AgentPayError {
  return new AgentPayError('invalid_request', message, { param, reason });
}
