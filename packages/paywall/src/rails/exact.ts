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
import type { Offer } from '../Quote.js';
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
 * @throws Refusal when the authorization does not pay this offer
 */
export function exactPayment(settings: Settings, offer: Offer, proof: ExactProof): Payment {
  const { clock } = settings;
  const { facilitator, network, asset, payTo } = offer.tender;
  const { authorization, request } = proof;
  const deadlineMs = Number(authorization.validBefore) * 1000 - settings.settleReserveMs;
  /** The transaction as far as it is known while the outcome is open. */
  let hash = '';
  const refusal = (reason: Reason, message: string) => new Refusal(reasonCode(reason, request.x402Version), message);

  if (!sameHex(authorization.to, payTo)) throw refusal('recipientMismatch', 'The authorization pays somebody else.');
  if (authorization.value !== offer.v2.amount) {
    throw refusal('valueMismatch', `The authorization is not over ${offer.v2.amount} base units.`);
  }

  return {
    payer: `${network.id}:${authorization.from}`,
    key: `pay:${network.id}:${asset.address}:${authorization.from}:${authorization.nonce}`.toLowerCase(),
    expiresAtMs: Math.min(Number(authorization.validBefore) * 1000, clock.now() + settings.maxTimeoutSeconds * 1000),
    deadlineMs,
    checkTime() {
      const started = BigInt(authorization.validAfter) < BigInt(unixSeconds(clock));
      if (!started) throw refusal('validAfter', 'The authorization is not valid yet.');
      if (deadlineMs <= clock.now()) throw refusal('validBefore', 'The authorization expires too soon to be settled.');
    },
    async verify() {
      const { isValid, invalidReason, invalidMessage, payer } = await available(facilitator.verify(request));
      if (isNonceUsed(invalidReason)) throw alreadyUsed(invalidReason);
      if (!isValid) {
        const message = detailOf(invalidMessage, 'The payment is not valid.');
        throw new Refusal(codeOf(invalidReason, reasons.unexpectedVerify.v2), message);
      }
      if (payer !== undefined && !sameHex(payer, authorization.from)) {
        throw new AgentPayError('facilitator_unavailable', 'The facilitator answered for another payment.', { retryAfter: 2 });
      }
    },
    async settle(again) {
      try {
        const answer = await facilitator.settle(request);
        hash = answer.transaction || hash;
        return settlementOf(proof, { ...answer, transaction: hash }, again);
      } catch (error) {
        settings.report({ what: 'a payment could not be settled yet', error });
        return { state: isAgentPayError(error, 'facilitator_unavailable') ? 'unsent' : 'unknown' };
      }
    },
    // An authorization that is not settled costs nobody anything.
    release: async () => undefined,
  };
}

/** What a facilitator's answer means; `again`: an earlier attempt may have gone through. */
function settlementOf(proof: ExactProof, answer: x402v2.SettleResponse, again: boolean): Settlement {
  const reason = answer.errorReason;
  if (answer.success) return settled(proof, answer);
  if (reason === reasons.settlementPending.v2 || reason === reasons.unexpectedSettle.v2) return { state: 'unknown' };
  // The nonce is used and this seller has asked for it to be: the lost attempt was the one that went through.
  if (again && isNonceUsed(reason)) return settled(proof, answer);
  // A refusal does not disprove an earlier attempt that may still be on its way.
  if (again) return { state: 'unknown' };
  if (isNonceUsed(reason)) return { state: 'refused', error: alreadyUsed(reason) };
  const message = detailOf(answer.errorMessage, 'The payment could not be settled.');
  const error = new Refusal(codeOf(reason, reasons.unexpectedSettle.v2), message, 'verification-failed', proof.failure(answer));
  return { state: 'refused', error };
}

function settled({ authorization, receipt }: ExactProof, { transaction, network }: x402v2.SettleResponse): Settlement {
  return { state: 'settled', receipt: receipt({ success: true, transaction, network, payer: authorization.from }) };
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
