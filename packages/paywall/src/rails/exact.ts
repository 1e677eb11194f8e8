import { AgentPayError, isAgentPayError, unixSeconds } from '@agentpay/primitives';
import {
  isNonceUsed,
  reasonCode,
  reasons,
  sameHex,
  type ExactPayload,
  type FacilitatorRequest,
  type Reason,
  type x402v2,
} from '@agentpay/protocol';
import type { Receipt } from '../Claims.js';
import { Refusal, type Payment, type Settlement } from '../Payment.js';
import type { Quote } from '../Quote.js';
import type { Settings } from '../options.js';

/** An EIP-3009 authorization as one dialect brought it. */
export interface ExactProof {
  readonly authorization: ExactPayload['authorization'];
  /** What the facilitator is asked, made of our own terms and the buyer's authorization. */
  readonly request: FacilitatorRequest;
  readonly receipt: (settled: x402v2.SettleResponse) => Receipt;
  /** Headers that tell a buyer of this dialect that settling failed. */
  readonly failure: (failed: x402v2.SettleResponse) => Readonly<Record<string, string>>;
}

/**
 * The payment that an EIP-3009 authorization makes. Its key is the authorization itself, so that one signature cannot be spent in two
 * dialects.
 * @throws Refusal when the authorization does not pay this quote
 */
export function exactPayment(settings: Settings, quote: Quote, proof: ExactProof): Payment {
  const { facilitator, clock, network } = settings;
  const { authorization, request } = proof;
  const validBeforeMs = Number(authorization.validBefore) * 1000;
  const refusal = (reason: Reason, message: string) => new Refusal(reasonCode(reason, request.x402Version), message);

  if (!sameHex(authorization.to, settings.payTo)) throw refusal('recipientMismatch', 'The authorization pays somebody else.');
  if (authorization.value !== quote.offer.amount) throw refusal('valueMismatch', `The authorization is not over ${quote.offer.amount} base units.`);

  /** The payer's transaction if it is known while the outcome is open. */
  let pendingHash = '';

  function settled(answer: Partial<x402v2.SettleResponse>): Settlement {
    const response = { network: request.paymentRequirements.network, transaction: pendingHash, payer: authorization.from, ...answer, success: true };
    return { state: 'settled', receipt: proof.receipt(response) };
  }

  function notSettled(answer: x402v2.SettleResponse, again: boolean): Settlement {
    const reason = answer.errorReason;
    if (answer.transaction) pendingHash = answer.transaction;
    if (reason === reasons.settlementPending.v2 || reason === reasons.unexpectedSettle.v2) return { state: 'unknown' };
    // The nonce is used and this seller has asked for it to be: the lost attempt was the one that went through.
    if (again && isNonceUsed(reason)) return settled({});
    // A refusal does not disprove an earlier attempt that may still be on its way.
    if (again) return { state: 'unknown' };
    if (isNonceUsed(reason)) return { state: 'refused', error: alreadyUsed(reason) };
    const code = codeOf(reason, reasons.unexpectedSettle.v2);
    return { state: 'refused', error: new Refusal(code, detailOf(answer.errorMessage, 'The payment could not be settled.'), 'verification-failed', proof.failure(answer)) };
  }

  return {
    key: `pay:${network.id}:${network.usdc.address}:${authorization.from}:${authorization.nonce}`.toLowerCase(),
    expiresAtMs: Math.min(validBeforeMs, clock.now() + settings.maxTimeoutSeconds * 1000),
    deadlineMs: validBeforeMs - settings.settleReserveMs,
    checkTime() {
      if (BigInt(authorization.validAfter) >= BigInt(unixSeconds(clock))) throw refusal('validAfter', 'The authorization is not valid yet.');
      if (this.deadlineMs <= clock.now()) throw refusal('validBefore', 'The authorization expires too soon to be settled.');
    },
    async verify() {
      const answer = await available(facilitator.verify(request));
      if (isNonceUsed(answer.invalidReason)) throw alreadyUsed(answer.invalidReason);
      if (!answer.isValid) throw new Refusal(codeOf(answer.invalidReason, reasons.unexpectedVerify.v2), detailOf(answer.invalidMessage, 'The payment is not valid.'));
      if (answer.payer !== undefined && !sameHex(answer.payer, authorization.from)) {
        throw new AgentPayError('facilitator_unavailable', 'The facilitator answered for another payment.', { retryAfter: 2 });
      }
    },
    async settle(again) {
      try {
        const answer = await facilitator.settle(request);
        return answer.success ? settled(answer) : notSettled(answer, again);
      } catch (error) {
        settings.report({ what: 'a payment could not be settled yet', error });
        return { state: isAgentPayError(error, 'facilitator_unavailable') ? 'unsent' : 'unknown' };
      }
    },
    // An authorization that is not settled costs nobody anything.
    release: async () => undefined,
  };
}

async function available<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    if (isAgentPayError(cause, 'facilitator_unavailable')) throw cause;
    throw new AgentPayError('facilitator_unavailable', 'The facilitator gives no usable answer.', { cause, retryAfter: 2 });
  }
}

function alreadyUsed(reason: string | undefined): AgentPayError {
  return new AgentPayError('payment_already_used', 'This payment was used before.', { reason: codeOf(reason, reasons.nonceUsed.v2) });
}

/** A facilitator's code if it is one; some put prose in its place. */
function codeOf(reason: string | undefined, otherwise: string): string {
  return reason !== undefined && /^[A-Za-z0-9_.-]{1,100}$/.test(reason) ? reason : otherwise;
}

function detailOf(message: string | undefined, otherwise: string): string {
  return message ? message.slice(0, 300) : otherwise;
}
