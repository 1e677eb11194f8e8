import { formatDecimal } from '@agentpay/primitives';
import {
  bytesToHex,
  checksumAddress,
  fromPaymentInfo,
  jcs,
  keccak256,
  saltOf,
  type Address,
  type Hex,
} from '@agentpay/protocol';
import type { Agreement } from './Agreement.js';
import type { AgreementEscrow, AgreementOffer } from './ports.js';

/** The permit (EIP-2612) by which the fee of an activation is collected, as it is kept. */
export interface FeePermit {
  readonly spender: Address;
  readonly value: string;
  readonly nonce: string;
  readonly deadline: string;
  readonly signature: Hex;
}

/** What the buyer has signed to fund an agreement on a chain. */
export interface AgreementHold {
  readonly agreementId: string;
  readonly offer: AgreementOffer;
  readonly signature: Hex;
  /** For the fee that is collected first; null: none is due. */
  readonly permit: FeePermit | null;
  /** The transaction that collected it, and that which gave it back. */
  readonly feeTx: string | null;
  readonly feeReturnTx: string | null;
  /** Since when it is being given back. */
  readonly feeReturnSince: Date | null;
}

/** A signature is asked for that lives no longer than facilitators let it, and no shorter than people take. */
const LIFE_SECONDS = 1_800;
const LEAST_SECONDS = 600;
/** What is nearly over is not begun with. */
const MARGIN_SECONDS = 30;
/** How long after the latest end of its challenge window an agreement can be decided and settled, before the buyer may reclaim. */
const GRACE_SECONDS = 30 * 86_400;
const ZERO: Address = `0x${'0'.repeat(40)}`;

/** What both sides have agreed on: its hash is bound by the buyer's signature. */
export function documentOf(agreement: Agreement): Hex {
  const { endsAt, cap, unitPrice } = agreement;
  const document = {
    agreement_id: agreement.id,
    buyer_agent_id: agreement.buyerId,
    seller_agent_id: agreement.sellerId,
    service_id: agreement.serviceId,
    currency: agreement.currency,
    cap: formatDecimal(cap),
    unit: agreement.unit,
    unit_price: formatDecimal(unitPrice),
    ends_at: endsAt.toISOString(),
    challenge_window_seconds: agreement.challengeSeconds,
    sla_seconds: agreement.slaSeconds,
    description: agreement.description,
  };
  return bytesToHex(keccak256(jcs(document)));
}

/**
 * What the buyer of an accepted agreement can sign at this time, the one to show first. They follow from the agreement alone and differ in
 * how long they can be used, so that nothing is kept before something is signed.
 */
export function offersOf(
  escrow: AgreementEscrow,
  agreement: Agreement,
  { nowMs, maxFeeBps }: { readonly nowMs: number; readonly maxFeeBps: number },
): readonly AgreementOffer[] {
  const accepted = seconds((agreement.acceptedAt as Date).getTime());
  const now = seconds(nowMs);
  const last = accepted + (Math.floor((now + LEAST_SECONDS - accepted) / LIFE_SECONDS) + 1) * LIFE_SECONDS;
  const ends = [last, last - LIFE_SECONDS].filter((end) => end > accepted && end > now + MARGIN_SECONDS);
  return ends.map((end) => offerUntil(escrow, agreement, { end, accepted, maxFeeBps }));
}

function offerUntil(
  escrow: AgreementEscrow,
  agreement: Agreement,
  { end, accepted, maxFeeBps }: { end: number; accepted: number; maxFeeBps: number },
): AgreementOffer {
  const { challengeSeconds, buyerAddress, sellerAddress, cap, endsAt } = agreement;
  const document = documentOf(agreement);
  const captureNotBefore = challengeSeconds === 0 ? 0 : accepted + challengeSeconds;
  const { operator, authorizer: receiverAuthorizer, token, feeReceiver } = escrow;
  const expiry = seconds(endsAt.getTime()) + challengeSeconds + GRACE_SECONDS;
  return {
    document,
    captureNotBefore,
    receiverAuthorizer,
    paymentInfo: fromPaymentInfo({
      operator,
      payer: checksumAddress(buyerAddress as Address),
      receiver: checksumAddress(sellerAddress as Address),
      token,
      maxAmount: cap,
      preApprovalExpiry: end,
      authorizationExpiry: expiry,
      refundExpiry: expiry,
      minFeeBps: 0,
      maxFeeBps,
      feeReceiver: maxFeeBps === 0 ? ZERO : feeReceiver,
      salt: saltOf(operator, { receiverAuthorizer, saltNonce: document, captureNotBefore }),
    }),
  };
}

/** Whether nobody can use the signature of an offer any more, blocks being a little behind. */
export function isOver({ paymentInfo }: AgreementOffer, nowMs: number): boolean {
  return seconds(nowMs) > paymentInfo.preApprovalExpiry + 120;
}

const seconds = (ms: number) => Math.floor(ms / 1000);
