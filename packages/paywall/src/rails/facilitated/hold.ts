import { sleep } from '@agentpay/primitives';
import {
  authCaptureExtraSchema,
  authCapturePayer,
  authCapturePaymentInfo,
  fromPaymentInfo,
  hashAuthCaptureOrder,
  hashOrderVoid,
  parseShape,
  payerAgnosticHash,
  reasonCode,
  saltIsBound,
  type AuthCaptureOrder,
  type AuthCapturePayload,
  type DigestSigner,
  type FacilitatorRequest,
  type PaymentInfo,
  type Reason,
} from '@agentpay/protocol';
import type { PricedOption } from '../../offer/Quote.js';
import { Refusal, type ProvenPayment, type SettleAttempt, type SettleOutcome } from '../../paid/Payment.js';
import type { PaywallConfig } from '../../seller/PaywallConfig.js';
import { facilitatedPayment, settleOrder, type FacilitatedProof } from './facilitated.js';

/** What a buyer signed for the escrow, as one dialect brought it. */
export interface HoldProof extends FacilitatedProof {
  readonly payload: AuthCapturePayload;
}

/** Waits between attempts to give a hold back, in ms. */
const WAITS = [0, 1_000, 5_000, 30_000];

/** A hold that is known to the escrow under its hash. */
interface Hold {
  readonly config: PaywallConfig;
  readonly offer: PricedOption;
  readonly proof: HoldProof;
  readonly info: PaymentInfo;
}

/**
 * The payment that a signature for the escrow makes: `hold` takes all of it there, `settle` captures what was used and gives the rest back,
 * `release` gives all of it back.
 * @throws Refusal when the signature does not pay this offer
 */
export function holdPayment(config: PaywallConfig, offer: PricedOption, proof: HoldProof): ProvenPayment {
  const { payload } = proof;
  const extra = parseShape(authCaptureExtraSchema, offer.v2.extra, 'extra of the offer');
  const info = authCapturePaymentInfo(offer.v2, extra, payload);
  const own: Hold = { config, offer, proof, info };
  const { chainId } = offer.option.network;
  const check = (holds: boolean, reason: Reason, message: string) => {
    if (!holds) throw new Refusal(reasonCode(reason, 2), message);
  };
  const { payer, preApprovalExpiry } = authCapturePayer(payload);
  check(
    preApprovalExpiry <= BigInt(extra.captureDeadline),
    'authCaptureDeadlineOrdering',
    'The signature outlives the capture deadline.',
  );
  check(saltIsBound(extra, payload), 'authCaptureSaltBinding', 'The salt does not commit to the offer.');
  const nonce = BigInt(nonceOf(payload)) === BigInt(payerAgnosticHash(chainId, info));
  check(nonce, 'authCaptureNonceMismatch', 'The signature is for another payment than the offer.');
  const transfer = {
    payer,
    contract: info.operator,
    nonce: payerAgnosticHash(chainId, info),
    startsAt: 0n,
    endsAt: preApprovalExpiry,
    reasons: { early: 'authCaptureNotYetValid', late: 'authCaptureExpired' },
  } as const;
  const payment = facilitatedPayment(config, offer, transfer, proof);
  let mayBeHeld = false;
  return {
    ...payment,
    async hold({ again, purchase }) {
      const outcome = await payment.settle({ again, purchase, used: undefined });
      mayBeHeld ||= outcome.state === 'settled' || outcome.state === 'unknown';
      return outcome;
    },
    settle: (attempt) => capture(own, attempt),
    // What is asked of is the hold, and not what is captured of it.
    isSettled: undefined,
    async release() {
      if (mayBeHeld) await giveBack(own);
    },
  };
}

function nonceOf(payload: AuthCapturePayload): string {
  return 'authorization' in payload ? payload.authorization.nonce : payload.permit2Authorization.nonce;
}

async function capture(own: Hold, { used, again }: SettleAttempt): Promise<SettleOutcome> {
  const { offer, info } = own;
  const amount = ((used ?? offer.price) * info.maxAmount) / offer.price;
  const fee = (amount * BigInt(info.minFeeBps)) / 10_000n;
  const order = signed(own, {
    type: 'capture',
    ...bound(own),
    amount: amount.toString(),
    feeAmount: fee.toString(),
    feeReceiver: info.feeReceiver,
    expectedCapturableAmount: info.maxAmount.toString(),
    expectedRefundableAmount: '0',
    ...(amount < info.maxAmount && { voidAuthorizerSignature: true as const }),
  });
  return settleOrder(own, requestFor(own, order), { due: amount, again });
}

/** Gives the whole hold back; where that fails the payer reclaims it after its deadline. */
async function giveBack(own: Hold): Promise<void> {
  const { config, info } = own;
  const request = requestFor(own, signed(own, { type: 'void', ...bound(own) }));
  for (const [attempt, wait] of WAITS.entries()) {
    if (wait > 0) await sleep(config.clock, wait);
    const { state } = await settleOrder(own, request, { due: 0n, again: attempt > 0 });
    if (state === 'settled') return;
  }
  const until = new Date(info.authorizationExpiry * 1000).toISOString();
  config.report({ what: `a hold could not be given back; its payer may reclaim it from ${until} on` });
}

function bound({ proof, info }: Hold) {
  const { salt, saltNonce = salt } = proof.payload;
  return { paymentInfo: fromPaymentInfo(info), saltNonce };
}

/** The order with the seller's signatures, or for the facilitator to sign. */
function signed({ config, offer }: Hold, order: AuthCaptureOrder): AuthCaptureOrder {
  const signer: DigestSigner | undefined = config.holdSigner;
  if (!signer) return order;
  const { chainId } = offer.option.network;
  const authorizerSignature = signer.sign(hashAuthCaptureOrder(chainId, order));
  if (order.type !== 'capture' || order.voidAuthorizerSignature === undefined)
    return { ...order, authorizerSignature };
  return {
    ...order,
    authorizerSignature,
    voidAuthorizerSignature: signer.sign(hashOrderVoid(chainId, order)),
  };
}

function requestFor({ offer: { v2 } }: Hold, order: AuthCaptureOrder): FacilitatorRequest {
  const paymentPayload = { x402Version: 2 as const, accepted: v2, payload: { ...order } };
  return { x402Version: 2, paymentPayload, paymentRequirements: v2 };
}
