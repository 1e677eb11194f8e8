import { AgentPayError, newId, unixSeconds, type Clock, type Db, type Random } from '@agentpay/primitives';
import {
  bytesToHex,
  reasonCode,
  type Address,
  type Facilitator,
  type FacilitatorRequest,
  type Reason,
  type SupportedResponse,
  type VerifyResponse,
  type x402v2,
} from '@agentpay/protocol';
import {
  ChainError,
  createFeeGauge,
  createReceipts,
  createSender,
  FeesAboveLimit,
  sharedReads,
  type Chain,
  type FeeGauge,
} from '@agentpay/evm';
import type { LocalAccount } from 'viem';
import type { Examination, ExaminationContext, GasLimits, Order, Payment, Refusal, SchemeSettings } from '../schemes/Scheme.js';
import { schemeOf } from '../schemes/schemes.js';
import { createGasAccounts } from './GasAccounts.js';
import { proveChain } from './proveChain.js';
import { keyText, outcomeOf, sameAuthorization, type Outcome, type Settlement, type SettlementKey } from './Settlement.js';
import type { LandedTransaction } from './LandedTransaction.js';
import { createSettlements, type Settlements, type SettlementsOptions } from './Settlements.js';
import { settlementStore, type SettlementStore } from './SettlementStore.js';
import { provenOutcome } from './provenOutcome.js';

export interface FacilitatorOptions extends Omit<SchemeSettings, 'assets' | 'permit2' | 'facilitatorAddress'> {
  /** Tokens to move; undefined: the network's USDC. */
  readonly assets?: readonly Address[] | undefined;
  readonly chain: Chain;
  /** With the tables of `migrations`. One facilitator at a time, unless all have `leaseMs`. */
  readonly db: Db;
  readonly clock: Clock;
  readonly random: Random;
  /** Accounts that pay the gas; nobody else may send from them. */
  readonly accounts: readonly LocalAccount[];
  /** Settlements at work at once; beyond it calls are refused with `facilitator_overloaded`. */
  readonly maxInFlight?: number;
  readonly maxBatch?: number;
  /**
   * Set when other copies work on the same database: they divide the accounts, and take over those of a copy that has not been heard of
   * for so many milliseconds.
   */
  readonly leaseMs?: number;
  /** An account with less ether than this, in wei, is given no new work. Default 0. */
  readonly minSignerBalance?: bigint;
  /** What gas costs, and the most that is paid for it. Default: what the chain says, without a limit. */
  readonly fees?: FeeGauge;
  /** Default: `defaultGasLimits`. */
  readonly gas?: GasLimits;
  readonly batchWindowMs?: number;
  readonly settleTimeoutMs?: number;
  readonly pollMs?: number;
  readonly confirmations?: number;
  readonly bumpAfterMs?: number;
  readonly repairEveryMs?: number;
  /** Hears of what went wrong and is tried again. */
  readonly onError?: (what: string, error: unknown) => void;
  /** Hears of every transaction of ours that got into a block. */
  readonly onTransaction?: (landed: LandedTransaction) => void;
  /** Surrounds the sending of every batch, for whoever wants to see it. */
  readonly aroundBatch?: SettlementsOptions['aroundBatch'];
}

/** The options, with what was proved of the chain. */
interface Proved extends FacilitatorOptions {
  readonly settings: SchemeSettings;
}

export interface RunningFacilitator extends Facilitator {
  /** Settlements of an earlier process that were taken up at start. */
  readonly resumed: number;
  /** Rejects when database or chain cannot be reached. */
  ready(): Promise<void>;
  /** Looks now for what the chain proves of a settlement; undefined when there is no such one. */
  reconcile(id: string): Promise<Outcome | undefined>;
  /** Finishes what is being signed and stops; calls that wait are answered with what is known. */
  close(): Promise<void>;
}

/**
 * Starts a facilitator: proves that the chain is the one it is said to be, takes up unfinished settlements, serves.
 * @throws Error with one sentence when chain id, token or Multicall3 are not as expected
 */
export async function createFacilitator(given: FacilitatorOptions): Promise<RunningFacilitator> {
  const { db, clock } = given;
  const chain = sharedReads(given.chain);
  const onError = given.onError ?? (() => undefined);
  const fees = given.fees ?? createFeeGauge(given);
  const proved = await proveChain(chain, given.network, given.assets);
  const { network, payTo, factories, maxValidBeforeSeconds } = given;
  const { address: facilitatorAddress } = given.accounts[0] as LocalAccount;
  const options = { ...given, chain, settings: { network, payTo, factories, maxValidBeforeSeconds, facilitatorAddress, ...proved } };
  const hear = (what: string) => (error: unknown) => onError(what, error);
  const { chainId } = options.network;
  const holder = given.leaseMs === undefined ? null : bytesToHex(given.random.bytes(16));
  const accounts = createGasAccounts({
    chain, db, clock,
    addresses: given.accounts.map(({ address }) => address),
    sharing: holder !== null && given.leaseMs !== undefined ? { holder, leaseMs: given.leaseMs } : undefined,
    minBalance: given.minSignerBalance,
    async open(address) {
      const account = given.accounts.find((own) => own.address === address) as LocalAccount;
      const [nextNonce, bumpAfterMs] = [await store.nextNonce(address), options.bumpAfterMs ?? 20_000];
      return createSender({ chain, clock, account, chainId, fees, nextNonce, bumpAfterMs, onError: hear('hand over') });
    },
  });
  const store = settlementStore(db, clock, { holder, assertHeld: accounts.assertHeld, gas: given.gas });
  const { pollMs = 100, confirmations = 1 } = options;
  const settlements = createSettlements({
    ...options,
    store,
    accounts,
    receipts: createReceipts({ chain, clock, pollMs, confirmations, onError: hear('receipts') }),
    confirmations,
    maxBatch: options.maxBatch ?? 50,
    batchWindowMs: options.batchWindowMs ?? 5,
    settleTimeoutMs: options.settleTimeoutMs ?? 25_000,
    repairEveryMs: options.repairEveryMs ?? 1_000,
    onError,
  });
  const resumed = await settlements.resume();
  const settle = settler(options, store, settlements);

  return {
    resumed,
    verify: (request) => reachable(() => verify(options, request)),
    settle: (request) => reachable(() => settle(request)),
    supported: async () => supported(options),
    async ready() {
      await Promise.all([db.query('select 1'), chain.chainId()]);
    },
    reconcile: (id) => reachable(() => settlements.reconcile(id)),
    close: () => settlements.close(),
  };
}

/** Whatever the chain cannot answer now is no verdict on the payment. */
async function reachable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ChainError)) throw error;
    throw new AgentPayError('facilitator_unavailable', 'The chain cannot be reached.', { cause: error, retryAfter: 2 });
  }
}

function supported({ network, accounts, settings: { permit2, facilitatorAddress } }: Proved): SupportedResponse {
  const upto = { x402Version: 2, scheme: 'upto', network: network.id, extra: { facilitatorAddress } };
  return {
    kinds: [
      { x402Version: 2, scheme: 'exact', network: network.id },
      { x402Version: 1, scheme: 'exact', network: network.name },
      ...(permit2 ? [upto] : []),
    ],
    extensions: [],
    signers: { 'eip155:*': accounts.map(({ address }) => address) },
  };
}

/** The payment of a request; or why there is none. */
function readPayment({ settings }: Proved, request: FacilitatorRequest): Payment | Refusal {
  const scheme = schemeOf(request);
  if (!scheme) return { reason: 'unsupportedScheme', message: 'This facilitator does not serve that scheme.' };
  return scheme.read(request, settings);
}

function contextOf({ chain, clock }: FacilitatorOptions, settling: boolean): ExaminationContext {
  return { chain, nowSeconds: BigInt(unixSeconds(clock)), settling };
}

async function verify(options: Proved, request: FacilitatorRequest): Promise<VerifyResponse> {
  const payment = readPayment(options, request);
  if ('reason' in payment) return invalid(request, payment);
  const examination = payment.examine(contextOf(options, false));
  const refusal = (await examination.termRefusal()) ?? (await examination.chainRefusal());
  const { payer } = payment;
  return refusal ? { ...invalid(request, refusal), payer } : { isValid: true, payer };
}

function invalid({ x402Version }: FacilitatorRequest, { reason, message }: Refusal): VerifyResponse {
  return { isValid: false, invalidReason: reasonCode(reason, x402Version), invalidMessage: message };
}

/** Settling, one call at a time per authorization; equal calls share one answer. */
function settler(options: Proved, store: SettlementStore, settlements: Settlements) {
  const running = new Map<string, { readonly purchase: string; readonly outcome: Promise<Outcome> }>();
  const { maxInFlight = 2_000 } = options;
  let calls = 0;

  async function inTurn(payment: Payment): Promise<Outcome> {
    const key = keyText(keyOf(options, payment));
    const purchase = payment.fingerprint;
    for (let other = running.get(key); other; other = running.get(key)) {
      if (other.purchase === purchase) return other.outcome;
      await other.outcome.catch(() => undefined);
    }
    const outcome = settleOnce(options, store, settlements, payment);
    running.set(key, { purchase, outcome });
    return outcome.finally(() => running.delete(key));
  }

  return async (request: FacilitatorRequest): Promise<x402v2.SettleResponse> => {
    const payment = readPayment(options, request);
    if ('reason' in payment) return settleResponse(request, undefined, failed(payment));
    if (calls >= maxInFlight) {
      throw new AgentPayError('facilitator_overloaded', 'Too many settlements are waiting; this one was not taken.', { retryAfter: 1 });
    }
    calls += 1;
    try {
      return settleResponse(request, payment, await inTurn(payment));
    } finally {
      calls -= 1;
    }
  };
}

async function settleOnce(
  options: FacilitatorOptions,
  store: SettlementStore,
  settlements: Settlements,
  payment: Payment,
): Promise<Outcome> {
  const key = keyOf(options, payment);
  const examination = payment.examine(contextOf(options, true));
  // The chain is asked while the records are looked at: nearly every payment is a new one.
  const examined = refusals(examination);
  examined.catch(() => undefined);
  const held = await store.find(key);
  const same = held?.fingerprint === payment.fingerprint;
  if (held && same && held.state === 'settled') return outcomeOf(held);
  const onItsWay = held && (held.state === 'sent' || settlements.isQueued(held.id));
  if (same && onItsWay) return settlements.wait(held.id);

  const taken = held && !same && (onItsWay || held.state === 'settled') ? refuseTaken(held, payment) : undefined;
  if (taken) return failed((await examination.termRefusal()) ?? taken);
  const { termRefusal, chainRefusal } = await examined;
  if (termRefusal) return failed(termRefusal);
  if (chainRefusal) return (held && same && (await settledMeanwhile(options, store, held, chainRefusal))) || failed(chainRefusal);
  if (payment.amount === 0n) return { state: 'nothing' };

  if (!settlements.canSend(payment.sender)) {
    throw new AgentPayError('facilitator_unavailable', 'No account can send it here and now; nothing was sent.', { retryAfter: 2 });
  }
  await assertAffordable(options);
  const order: Order = { ...payment, ...(await examination.proof()) };
  const claimed = await store.claim({ ...order, ...key, id: held?.id ?? newId('settlement', options), fingerprint: payment.fingerprint });
  return claimed ? settlements.send(claimed) : takenMeanwhile(store, settlements, key, payment);
}

async function refusals(examination: Examination): Promise<{ termRefusal?: Refusal | undefined; chainRefusal?: Refusal | undefined }> {
  const termRefusal = await examination.termRefusal();
  return termRefusal ? { termRefusal } : { chainRefusal: await examination.chainRefusal() };
}

/** What is not claimed may be paid elsewhere; what is claimed already waits for gas to become cheaper, as long as its caller does. */
async function assertAffordable({ fees }: FacilitatorOptions): Promise<void> {
  if (fees?.most === undefined) return;
  try {
    await fees.affordable();
  } catch (cause) {
    if (!(cause instanceof FeesAboveLimit)) throw cause;
    const message = 'Gas costs more than is paid for it here; nothing was sent.';
    throw new AgentPayError('facilitator_unavailable', message, { cause, retryAfter: 10 });
  }
}

/** Another copy claimed it since we looked. */
async function takenMeanwhile(store: SettlementStore, settlements: Settlements, key: SettlementKey, payment: Payment): Promise<Outcome> {
  const held = await store.find(key);
  if (!held) return { state: 'pending', hash: '' };
  return held.fingerprint === payment.fingerprint ? settlements.wait(held.id) : failed(refuseTaken(held, payment));
}

/** The authorization belongs to another purchase, or its nonce to another authorization. */
function refuseTaken(held: Settlement, payment: Payment): Refusal {
  const used = held.state === 'settled' && !sameAuthorization(held.authorization, payment.authorization);
  if (used) return { reason: held.transfer.usedReason, message: 'The nonce was used by another authorization of this payer.' };
  return { reason: 'duplicateSettlement', message: 'The authorization pays for another purchase.' };
}

/**
 * A claim is made only while the nonce is unused. So when it is used afterwards by a transfer of this very authorization, whoever sent
 * that transaction, this purchase is what was paid.
 */
async function settledMeanwhile(
  { chain, confirmations = 1 }: FacilitatorOptions,
  store: SettlementStore,
  held: Settlement,
  { reason }: { reason: Reason },
): Promise<Outcome | undefined> {
  if (reason !== held.transfer.usedReason) return undefined;
  const outcome = await provenOutcome({ chain, confirmations }, held);
  if (outcome?.state === 'settled') await store.settle([held.id], outcome.hash);
  return outcome ?? { state: 'pending', hash: '' };
}

function keyOf({ network }: FacilitatorOptions, { asset, payer, nonce }: Payment): SettlementKey {
  return { network: network.id, asset, payer, nonce };
}

function failed({ reason, message }: Refusal): Outcome {
  return { state: 'failed', reason, message };
}

function settleResponse(request: FacilitatorRequest, payment: Payment | undefined, outcome: Outcome): x402v2.SettleResponse {
  const common = { network: request.paymentRequirements.network, ...(payment && { payer: payment.payer }) };
  const amount = payment?.tellsAmount ? { amount: payment.amount.toString() } : {};
  if (outcome.state === 'settled') return { success: true, transaction: outcome.hash, ...common, ...amount };
  if (outcome.state === 'nothing') return { success: true, transaction: '', ...common, ...amount };
  const { reason, message } = outcome.state === 'failed' ? outcome : { reason: 'settlementPending' as const, message: PENDING };
  const transaction = outcome.state === 'pending' ? outcome.hash : '';
  return { success: false, errorReason: reasonCode(reason, request.x402Version), errorMessage: message, transaction, ...common };
}

const PENDING = 'The transaction is on its way; ask again with the same payment.';
