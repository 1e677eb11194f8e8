import {
  AgentPayError,
  newId,
  sleep,
  unixSeconds,
  type Clock,
  type Network,
  type Random,
} from '@agentpay/primitives';
import { reasonCode, type FacilitatorRequest, type Hex, type Reason, type x402v2 } from '@agentpay/protocol';
import { ChainError, FeesAboveLimit, type Chain, type FeeGauge } from '@agentpay/evm';
import {
  defaultGasLimits,
  type Examination,
  type RequestedPayment,
  type PaymentRefusal,
} from '../../schemes/Scheme.js';
import { transferOf } from '../../schemes/schemes.js';
import type { ContractPayers } from './contractPayers.js';
import { limitConcurrency, type Slots } from './limitConcurrency.js';
import { provenOutcome, provenUse } from '../assurance/provenOutcome.js';
import {
  keyText,
  outcomeOf,
  sameAuthorization,
  type SettlementOutcome,
  type Settlement,
  type SettlementKey,
} from '../Settlement.js';
import type { Settlements } from '../Settlements.js';
import type { SettlementStore } from '../SettlementStore.js';

export interface SettlerOptions {
  readonly network: Network;
  readonly chain: Chain;
  readonly clock: Clock;
  readonly random: Random;
  readonly store: SettlementStore;
  readonly settlements: Settlements;
  readonly fees: FeeGauge;
  /** Blocks that a transaction must have, its own included, to count. */
  readonly confirmations: number;
  readonly maxInFlight?: number | undefined;
  readonly contractPayers: ContractPayers;
  /** The payment of a request; or why there is none. */
  readonly read: (request: FacilitatorRequest) => RequestedPayment | PaymentRefusal;
}

/**
 * Payments that are examined and claimed at a time. When hundreds come at once, right behind a block, the first of them shall be signed and
 * in the next one while the others are looked at, instead of all of them in the one after.
 */
const MOST_PREPARED = 64;
/** Behind a node that takes longer there is no hurry for the next block, and waiting for slots would be all that this does. */
const LONGEST_PREPARATION_MS = 40;

/** Settles; one call at a time per authorization, and equal calls share one response. */
export function createSettler(
  options: SettlerOptions,
): (request: FacilitatorRequest) => Promise<x402v2.SettleResponse> {
  const prepare = limitConcurrency({
    clock: options.clock,
    most: MOST_PREPARED,
    longestMs: LONGEST_PREPARATION_MS,
  });
  const running = new Map<string, { readonly purchase: string; readonly granted: Promise<Granted> }>();
  const { maxInFlight = 2_000 } = options;
  let calls = 0;

  async function inTurn(payment: RequestedPayment): Promise<Granted> {
    const key = keyText(keyOf(options, payment));
    const purchase = payment.fingerprint;
    for (let other = running.get(key); other; other = running.get(key)) {
      if (other.purchase === purchase) return repeated(await other.granted);
      await other.granted.catch(() => undefined);
    }
    const granted = settleOnce(options, payment, prepare);
    running.set(key, { purchase, granted });
    return granted.finally(() => running.delete(key));
  }

  return async (request) => {
    const payment = options.read(request);
    if ('reason' in payment)
      return settleResponse(request, undefined, { outcome: failed(payment), repeat: false });
    if (calls >= maxInFlight) {
      throw new AgentPayError(
        'facilitator_overloaded',
        'Too many settlements are waiting; this one was not taken.',
        { retryAfter: 1 },
      );
    }
    calls += 1;
    try {
      return settleResponse(request, payment, await inTurn(payment));
    } finally {
      calls -= 1;
    }
  };
}

/** An outcome, and whether it is the one grant of a settlement or was told, or may have been, to another call as well. */
interface Granted {
  readonly outcome: SettlementOutcome;
  readonly repeat: boolean;
}

const repeated = ({ outcome }: Granted): Granted => ({ outcome, repeat: true });

/** What speaks against moving the money now. */
interface Objections {
  readonly termRefusal?: PaymentRefusal | undefined;
  readonly chainRefusal?: PaymentRefusal | undefined;
  /** No verdict on the payment: what keeps us from moving it, or from knowing whether we may. */
  readonly hindrance?: unknown;
  /** Ends what was begun for a payer with code. */
  readonly end?: (() => void) | undefined;
}

/** Nearly every payment is a new one, so the records are read only when it cannot be claimed. Whoever made the claim has its grant. */
async function settleOnce(
  options: SettlerOptions,
  payment: RequestedPayment,
  prepare: Slots,
): Promise<Granted> {
  const { store, settlements } = options;
  await untilABlockTakesIt(options.clock, payment);
  const { claimed, objections, isHeld } = await prepare(() => tryToClaim(options, payment));
  if (claimed) {
    const outcome = await settlements.send(claimed).finally(() => objections.end?.());
    return { outcome, repeat: false };
  }
  objections.end?.();

  const { termRefusal, chainRefusal, hindrance } = objections;
  const refusal = termRefusal ?? chainRefusal;
  const held = await store.find(keyOf(options, payment));
  const known = held && (await knownOutcome(options, payment, objections, held, isHeld));
  if (known) return { outcome: known, repeat: true };
  if (refusal) return { outcome: await refused(options, payment, refusal), repeat: false };
  if (hindrance !== undefined) throw hindrance;
  const outcome: SettlementOutcome =
    payment.amount === 0n ? { state: 'nothing' } : { state: 'pending', hash: '' };
  return { outcome, repeat: false };
}

/** In place of a signature where nothing is sent. */
const UNSIGNED: Hex = `0x${'00'.repeat(65)}`;

/** A refusal, with what the chain proves of the nonce where that is the reason: a caller who may have asked elsewhere needs to know. */
async function refused(
  options: SettlerOptions,
  payment: RequestedPayment,
  refusal: PaymentRefusal,
): Promise<SettlementOutcome> {
  const transfer = transferOf({ ...payment, signature: UNSIGNED, byAccount: false }, defaultGasLimits);
  if (refusal.reason !== transfer.usedReason) return failed(refusal);
  try {
    return { ...failed(refusal), use: await provenUse(options, transfer) };
  } catch (error) {
    if (!(error instanceof ChainError)) throw error;
    return failed(refusal);
  }
}

/** One that is valid from this second on would fail in a block of the same second. */
async function untilABlockTakesIt(clock: Clock, { validAfter }: RequestedPayment): Promise<void> {
  if (validAfter !== BigInt(unixSeconds(clock))) return;
  await sleep(clock, Number(validAfter + 1n) * 1_000 - clock.now());
}

/** Claims a payment against which nothing speaks, unless it is claimed already. */
async function tryToClaim(options: SettlerOptions, payment: RequestedPayment) {
  const { chain, clock, settlements } = options;
  const examination = payment.examine({ chain, nowSeconds: BigInt(unixSeconds(clock)), settling: true });
  const objections = await objectionsTo(options, payment, examination);
  const { termRefusal, chainRefusal, hindrance } = objections;
  const queued = settlements.isQueued(keyOf(options, payment));
  const claims = !queued && !termRefusal && !chainRefusal && hindrance === undefined && payment.amount > 0n;
  const claimed = claims ? await claim(options, payment, examination) : undefined;
  return { claimed, objections, isHeld: queued || claims };
}

async function objectionsTo(
  options: SettlerOptions,
  { amount, payer, sender }: RequestedPayment,
  examination: Examination,
): Promise<Objections> {
  try {
    const termRefusal = await examination.termRefusal();
    if (termRefusal) return { termRefusal };
    const chainRefusal = await examination.chainRefusal();
    if (chainRefusal) return { chainRefusal };
    const { byAccount } = await examination.proof();
    const payerRefusal = byAccount ? await options.contractPayers.refusal(payer) : undefined;
    if (payerRefusal) return { chainRefusal: payerRefusal };
    if (amount === 0n) return {};
    if (!options.settlements.canSend(sender)) {
      const message = 'No account can send it here and now; nothing was sent.';
      return { hindrance: new AgentPayError('facilitator_unavailable', message, { retryAfter: 2 }) };
    }
    await assertAffordable(options);
    return byAccount ? { end: await options.contractPayers.begin(payer) } : {};
  } catch (hindrance) {
    return { hindrance };
  }
}

/** What is not claimed may be paid elsewhere; what is claimed already waits for gas to become cheaper, as long as its caller does. */
async function assertAffordable({ fees }: SettlerOptions): Promise<void> {
  if (fees.most === undefined) return;
  try {
    await fees.affordable();
  } catch (cause) {
    if (!(cause instanceof FeesAboveLimit)) throw cause;
    const message = 'Gas costs more than is paid for it here; nothing was sent.';
    throw new AgentPayError('facilitator_unavailable', message, { cause, retryAfter: 10 });
  }
}

async function claim(
  options: SettlerOptions,
  payment: RequestedPayment,
  examination: Examination,
): Promise<Settlement | undefined> {
  const order = { ...payment, ...(await examination.proof()) };
  const { fingerprint } = payment;
  return options.store.claim({
    ...order,
    ...keyOf(options, payment),
    id: newId('settlement', options),
    fingerprint,
  });
}

/**
 * What the records say of a payment with this key; undefined when they decide nothing.
 * @param isHeld whether the claim is at work, here or elsewhere
 */
async function knownOutcome(
  options: SettlerOptions,
  payment: RequestedPayment,
  { termRefusal, chainRefusal, hindrance }: Objections,
  held: Settlement,
  isHeld: boolean,
): Promise<SettlementOutcome | undefined> {
  const onItsWay = isHeld || held.state === 'sent';
  if (held.fingerprint !== payment.fingerprint) {
    return onItsWay || held.state === 'settled'
      ? failed(termRefusal ?? refuseTaken(held, payment))
      : undefined;
  }
  if (held.state === 'settled') return outcomeOf(held);
  // Where we cannot claim it ourselves, whoever has the claim may be about to send it.
  if (onItsWay || (held.state === 'claimed' && hindrance !== undefined))
    return options.settlements.wait(held.id);
  return chainRefusal && settledMeanwhile(options, held, chainRefusal);
}

/** The authorization belongs to another purchase, or its nonce to another authorization. */
function refuseTaken(held: Settlement, payment: RequestedPayment): PaymentRefusal & Pick<Failed, 'use'> {
  const used = held.state === 'settled' && !sameAuthorization(held.authorization, payment.authorization);
  if (used)
    return {
      reason: held.transfer.usedReason,
      message: 'The nonce was used by another authorization of this payer.',
      use: { for: 'other' },
    };
  return { reason: 'duplicateSettlement', message: 'The authorization pays for another purchase.' };
}

/**
 * A claim is made only while the nonce is unused. So when it is used afterwards by a transfer of this very authorization, whoever sent
 * that transaction, this purchase is what was paid.
 */
async function settledMeanwhile(
  options: SettlerOptions,
  held: Settlement,
  { reason }: { reason: Reason },
): Promise<SettlementOutcome | undefined> {
  if (reason !== held.transfer.usedReason) return undefined;
  const outcome = await provenOutcome(options, held);
  if (outcome?.state === 'settled') await options.store.settle([held.id], outcome.hash);
  return outcome ?? { state: 'pending', hash: '' };
}

function keyOf({ network }: SettlerOptions, { asset, payer, nonce }: RequestedPayment): SettlementKey {
  return { network: network.id, asset, payer, nonce };
}

type Failed = Extract<SettlementOutcome, { state: 'failed' }>;

function failed({ reason, message, use }: PaymentRefusal & Pick<Failed, 'use'>): Failed {
  return { state: 'failed', reason, message, ...(use && { use }) };
}

function settleResponse(
  request: FacilitatorRequest,
  payment: RequestedPayment | undefined,
  { outcome, repeat }: Granted,
): x402v2.SettleResponse {
  const common = { network: request.paymentRequirements.network, ...(payment && { payer: payment.payer }) };
  const amount = payment?.tellsAmount ? { amount: payment.amount.toString() } : {};
  if (outcome.state === 'settled')
    return { success: true, transaction: outcome.hash, ...common, ...amount, ...(repeat && { repeat }) };
  if (outcome.state === 'nothing') return { success: true, transaction: '', ...common, ...amount };
  const { reason, message } =
    outcome.state === 'failed' ? outcome : { reason: 'settlementPending' as const, message: PENDING };
  const use = outcome.state === 'failed' ? outcome.use : undefined;
  const proved = use?.for === 'payment' ? use.hash : '';
  const transaction = outcome.state === 'pending' ? outcome.hash : proved;
  return {
    success: false,
    errorReason: reasonCode(reason, request.x402Version),
    errorMessage: message,
    transaction,
    ...common,
    ...(use && { nonceUse: use.for }),
  };
}

const PENDING = 'The transaction is on its way; ask again with the same payment.';
