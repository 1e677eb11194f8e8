import { AgentPayError, unixSeconds, type Clock } from '@agentpay/primitives';
import {
  addressSchema,
  checksumAddress,
  type Address,
  type SupportedResponse,
  type x402v2,
} from '@agentpay/protocol';

/** What an offer of scheme `auth-capture` names beside its price. Times are Unix seconds. */
export interface HoldTerms {
  readonly captureAuthorizer: Address;
  /** Whose signature captures and gives back. */
  readonly receiverAuthorizer: Address;
  readonly feeRecipient: Address;
  readonly minFeeBps: number;
  readonly maxFeeBps: number;
  readonly captureDeadline: number;
  readonly refundDeadline: number;
}

/** Deadlines are whole multiples of it, so that the offers of many requests are one. */
const STEP_SECONDS = 600;
/** How long a hold may be captured at least: a handler, a settlement, and a seller that restarts. */
const HOLD_SECONDS = 3_600;
const REFUND_SECONDS = 7 * 86_400;

const ZERO: Address = `0x${'0'.repeat(40)}`;

/** The last moment in which a hold offered now may be captured. */
function captureDeadlineAt(clock: Clock): number {
  return (Math.floor((unixSeconds(clock) + HOLD_SECONDS) / STEP_SECONDS) + 1) * STEP_SECONDS;
}

/**
 * The terms of holds that a facilitator relays.
 * @param signer the seller's own authorizer; undefined: the facilitator's
 * @throws AgentPayError `facilitator_unavailable` when the facilitator makes no holds, or signs for no seller
 */
export function holdTermsIn(
  kind: SupportedResponse['kinds'][number] | undefined,
  clock: Clock,
  signer: Address | undefined,
): HoldTerms {
  const extra = kind?.extra ?? {};
  const operator = addressSchema.safeParse(extra['captureAuthorizer']);
  if (!operator.success) throw unavailable('The facilitator holds no money in an escrow.');
  const authorizer = addressSchema.safeParse(signer ?? extra['receiverAuthorizer']);
  if (!authorizer.success)
    throw unavailable('The facilitator signs for no seller: the option holdKey is missing.');
  const fee = addressSchema.safeParse(extra['feeRecipient']);
  const bps = (name: string) => (fee.success && Number.isInteger(extra[name]) ? Number(extra[name]) : 0);
  const captureDeadline = captureDeadlineAt(clock);
  return {
    captureAuthorizer: checksumAddress(operator.data),
    receiverAuthorizer: checksumAddress(authorizer.data),
    feeRecipient: fee.success ? checksumAddress(fee.data) : ZERO,
    minFeeBps: bps('minFeeBps'),
    maxFeeBps: bps('maxFeeBps'),
    captureDeadline,
    refundDeadline: captureDeadline + REFUND_SECONDS,
  };
}

function unavailable(message: string): AgentPayError {
  return new AgentPayError('facilitator_unavailable', message, { retryAfter: 60 });
}

/**
 * The offer as it was made to a buyer who comes back with it: the deadlines that were offered a while ago count as long as a hold can be
 * made, served and captured before them.
 */
export function offerAsAccepted(
  offer: x402v2.PaymentRequirements,
  { extra }: x402v2.PaymentRequirements,
  clock: Clock,
): x402v2.PaymentRequirements {
  const [capture, refund] = [Number(extra?.['captureDeadline']), Number(extra?.['refundDeadline'])];
  const now = unixSeconds(clock);
  const wasOffered =
    capture % STEP_SECONDS === 0 &&
    capture > now &&
    capture < Number(offer.extra?.['captureDeadline']) &&
    refund === capture + REFUND_SECONDS;
  if (!wasOffered) return offer;
  return { ...offer, extra: { ...offer.extra, captureDeadline: capture, refundDeadline: refund } };
}
