import { AgentPayError, isAgentPayError, unixSeconds, type Amount } from '@agentpay/primitives';
import {
  isNonceUsed,
  PURCHASE,
  reasonCode,
  reasons,
  sameHex,
  STATUS_NOT_TOLD,
  type Address,
  type Facilitator,
  type FacilitatorRequest,
  type Hex,
  type Reason,
  type VerifyResponse,
  type x402v2,
} from '@agentpay/protocol';
import type { Receipt } from '../../paid/Claims.js';
import { Refusal, type ProvenPayment, type SettleOutcome, type Verified } from '../../paid/Payment.js';
import type { PricedOption } from '../../offer/Quote.js';
import { whyNot } from '../../seller/facilitatorCheck.js';
import type { PaywallConfig } from '../../seller/PaywallConfig.js';

/** A signed payment in the words of the dialect that brought it. */
export interface FacilitatedProof {
  /** What the facilitator is asked, made of our own terms and what the buyer signed. */
  readonly request: FacilitatorRequest;
  readonly receipt: (settled: x402v2.SettleResponse) => Receipt;
  /** See {@link ProvenPayment.isSecret}. */
  readonly isSecret: boolean;
  /** Headers that tell a buyer of this dialect that settling failed. */
  readonly failure: (failed: x402v2.SettleResponse) => Readonly<Record<string, string>>;
}

/** What a payer signed, as far as its kind does not matter. */
export interface SignedTransfer {
  readonly payer: Address;
  /** The contract that uses up the payer's nonces. */
  readonly contract: Address;
  readonly nonce: string;
  /** First second, since the Unix epoch, in which it can move money, and the first one in which it cannot any more. */
  readonly startsAt: bigint;
  readonly endsAt: bigint;
  readonly reasons: { readonly early: Reason; readonly late: Reason };
}

/**
 * The payment that a facilitator makes of what a payer signed. Its key is payer and nonce, so that one signature cannot be spent in two
 * dialects.
 */
export function facilitatedPayment(
  config: PaywallConfig,
  offer: PricedOption,
  transfer: SignedTransfer,
  proof: FacilitatedProof,
): ProvenPayment {
  const { clock } = config;
  const { facilitator, facilitatorName, network } = offer.option;
  const { payer, contract, nonce, startsAt, endsAt } = transfer;
  const { request, isSecret } = proof;
  const endsAtMs = Number(endsAt) * 1000;
  const deadlineMs = endsAtMs - config.settleReserveMs;
  /** Hash of the transaction, as soon as it is known. */
  let hash = '';
  const refusal = (reason: Reason, message: string) =>
    new Refusal(reasonCode(reason, request.x402Version), message);
  // One object for all attempts: failover keeps the facilitator that may have taken a request by its object.
  const requestFor = memoized((purchase: string, due: bigint | undefined) => {
    const bought = forPurchase(request, purchase);
    return due === undefined ? bought : over(bought, due);
  });

  const dueOf = (used: Amount | undefined) =>
    used === undefined ? undefined : (used * BigInt(offer.v2.amount)) / offer.price;

  return {
    payer: `${network.id}:${payer}`,
    isSecret,
    key: `pay:${network.id}:${contract}:${payer}:${nonce}`.toLowerCase(),
    expiresAtMs: Math.min(endsAtMs, clock.now() + config.maxTimeoutSeconds * 1000),
    deadlineMs,
    checkTime() {
      if (startsAt > BigInt(unixSeconds(clock)))
        throw refusal(transfer.reasons.early, 'The payment is not valid yet.');
      if (deadlineMs <= clock.now())
        throw refusal(transfer.reasons.late, 'The payment expires too soon to be settled.');
    },
    async verify(purchase) {
      const asked = facilitator.verify(forPurchase(request, purchase));
      return verifiedBy(await available(config, facilitatorName, asked), offer, payer);
    },
    async settle({ again, used, purchase }) {
      const due = dueOf(used);
      if (due === 0n) return settled({ offer, payer, proof, due }, { transaction: '', network: network.id });
      try {
        const response = await facilitator.settle(requestFor(purchase, due));
        if (!isNonceUsed(response.errorReason)) hash = response.transaction || hash;
        const transaction = response.transaction || hash;
        return settlementOf({ offer, payer, proof, due }, { ...response, transaction }, again);
      } catch (error) {
        return unanswered(config, facilitatorName, error);
      }
    },
    isSettled:
      facilitator.settlement &&
      (({ used, purchase }) => isSettledBy(facilitator, requestFor(purchase, dueOf(used)))),
    // An authorization that is not settled moves no money.
    release: async () => undefined,
  };
}

/** Whether a facilitator has settled a payment; undefined while it may still go either way, or does not say. Never rejects. */
async function isSettledBy(
  facilitator: Facilitator,
  request: FacilitatorRequest,
): Promise<boolean | undefined> {
  try {
    const status = await facilitator.settlement?.(request);
    return status?.state === 'pending' ? undefined : status?.state === 'settled';
  } catch (error) {
    return isAgentPayError(error) && error.reason === STATUS_NOT_TOLD ? false : undefined;
  }
}

/** What is known of money that a facilitator was asked to move when it gave no response. */
function unanswered({ report }: PaywallConfig, name: string, error: unknown): SettleOutcome {
  report({ what: `a payment could not be settled yet by ${name}: ${whyNot(error)}`, error });
  return { state: isAgentPayError(error, 'facilitator_unavailable') ? 'unsent' : 'unknown' };
}

/** Has the facilitator carry out what the seller orders of a hold; `due` in base units. Never rejects. */
export async function settleOrder(
  paying: Pick<Paying, 'offer' | 'proof'> & {
    readonly config: PaywallConfig;
    readonly info: { readonly payer: Address };
  },
  request: FacilitatorRequest,
  { due, again }: { readonly due: bigint; readonly again: boolean },
): Promise<SettleOutcome> {
  const { config, offer, proof, info } = paying;
  const { facilitator, facilitatorName } = offer.option;
  try {
    const response = await facilitator.settle(request);
    // An order is good for one effect, which is this seller's: that it was carried out before is no objection.
    const { repeat: _, ...told } = response;
    const isDone = response.nonceUse === 'payment' && response.transaction !== '';
    const known = isDone ? { ...told, success: true } : told;
    return settlementOf({ offer, payer: info.payer, proof, due }, known, again);
  } catch (error) {
    return unanswered(config, facilitatorName, error);
  }
}

/** What a facilitator's response to /verify says. @throws Refusal, AgentPayError */
function verifiedBy(response: VerifyResponse, { option, v2 }: PricedOption, payer: Address): Verified {
  const { isValid, invalidReason, invalidMessage, payer: verified, balance } = response;
  if (isNonceUsed(invalidReason)) throw alreadyUsed(invalidReason);
  if (!isValid) {
    const message = detailOf(invalidMessage, 'The payment is not valid.');
    throw new Refusal(codeOf(invalidReason, reasons.unexpectedVerify.v2), message);
  }
  if (verified !== undefined && !sameHex(verified, payer)) {
    throw new AgentPayError('facilitator_unavailable', 'The facilitator responded for another payment.', {
      retryAfter: 2,
    });
  }
  if (balance === undefined) return {};
  const token = `${option.network.id}:${option.asset.address}`;
  return { funds: { token, balance: BigInt(balance), due: BigInt(v2.amount) } };
}

/** Remembers what it gave for the last arguments. */
function memoized<A extends readonly unknown[], R>(work: (...args: A) => R): (...args: A) => R {
  let last: { readonly args: A; readonly result: R } | undefined;
  return (...args) => {
    if (!last?.args.every((arg, index) => arg === args[index])) last = { args, result: work(...args) };
    return last.result;
  };
}

/** The request over another amount, which a permit of scheme `upto` allows. */
function over(request: FacilitatorRequest, due: bigint): FacilitatorRequest {
  if (request.x402Version === 1) return request;
  return { ...request, paymentRequirements: { ...request.paymentRequirements, amount: due.toString() } };
}

interface Paying {
  readonly offer: PricedOption;
  readonly payer: Address;
  readonly proof: FacilitatedProof;
  /** Base units that are due of a payment up to a ceiling. */
  readonly due: bigint | undefined;
}

/**
 * The request with the name of the claim that it is for: a facilitator that settled the authorization for another claim, of another route
 * or replica, does not grant it to this one. In x402 v1 only `extra` has room for it.
 */
function forPurchase(request: FacilitatorRequest, claim: string): FacilitatorRequest {
  if (request.x402Version === 1) {
    const { paymentRequirements } = request;
    const extra = { ...paymentRequirements.extra, [PURCHASE]: { claim } };
    return { ...request, paymentRequirements: { ...paymentRequirements, extra } };
  }
  const { paymentPayload } = request;
  const purchase = { ...(paymentPayload.extensions?.[PURCHASE] as object | undefined), claim };
  const extensions = { ...paymentPayload.extensions, [PURCHASE]: purchase };
  return { ...request, paymentPayload: { ...paymentPayload, extensions } };
}

/** What a facilitator's response means; `again`: an earlier attempt may have gone through. */
function settlementOf(paying: Paying, response: x402v2.SettleResponse, again: boolean): SettleOutcome {
  const reason = response.errorReason;
  if (response.success) {
    // Settled before, and not by this claim, which asks for the first time.
    if (response.repeat && !again) return { state: 'refused', error: alreadyUsed(reason) };
    return settled(paying, response);
  }
  if (reason === reasons.settlementPending.v2 || reason === reasons.unexpectedSettle.v2)
    return { state: 'unknown' };
  const isUsed = isNonceUsed(reason);
  // The nonce is proved to be used for something else: an earlier attempt of ours was not made and never will be. That a payment was made
  // does not tell for which claim; the facilitator that settled or claimed it grants it to one claim.
  if (isUsed && response.nonceUse === 'other') return refused(paying, response);
  // A refusal does not disprove an earlier attempt that may still be on its way.
  if (again) return { state: 'unknown' };
  if (isUsed || reason === reasons.duplicateSettlement.v2)
    return { state: 'refused', error: alreadyUsed(reason) };
  return refused(paying, response);
}

function refused({ proof }: Paying, response: x402v2.SettleResponse): SettleOutcome {
  const message = detailOf(response.errorMessage, 'The payment could not be settled.');
  const reason = codeOf(response.errorReason, reasons.unexpectedSettle.v2);
  return {
    state: 'refused',
    error: new Refusal(reason, message, 'verification-failed', proof.failure(response)),
  };
}

type Sent = Pick<x402v2.SettleResponse, 'transaction' | 'network'>;

function settled({ offer, payer, proof, due }: Paying, { transaction, network }: Sent): SettleOutcome {
  const amount = due === undefined ? {} : { amount: due.toString() };
  const { asset, payTo } = offer.option;
  const terms = {
    network: offer.v2.network,
    asset: asset.address,
    amount: offer.v2.amount,
    payTo,
    ...amount,
  };
  const moved = { ...terms, payer, ...(transaction && { transaction: transaction as Hex }) };
  return {
    state: 'settled',
    receipt: proof.receipt({ success: true, transaction, network, payer, ...amount }),
    moved,
  };
}

async function available<T>({ report }: PaywallConfig, name: string, response: Promise<T>): Promise<T> {
  try {
    return await response;
  } catch (cause) {
    report({ what: `${name} gives no usable response to /verify: ${whyNot(cause)}`, error: cause });
    if (isAgentPayError(cause, 'facilitator_unavailable')) throw cause;
    throw new AgentPayError('facilitator_unavailable', 'The facilitator gives no usable response.', {
      cause,
      retryAfter: 2,
    });
  }
}

function alreadyUsed(reason: string | undefined): AgentPayError {
  return new AgentPayError('payment_already_used', 'This payment was used before.', {
    reason: codeOf(reason, reasons.nonceUsed.v2),
  });
}

/** The facilitator's code if it has the form of one; some send prose. */
function codeOf(reason: string | undefined, otherwise: string): string {
  return reason !== undefined && /^[A-Za-z0-9_.-]{1,100}$/.test(reason) ? reason : otherwise;
}

function detailOf(message: string | undefined, otherwise: string): string {
  return message ? message.slice(0, 300) : otherwise;
}
