import type { Clock } from '@agentpay/primitives';
import type { LocalAccount } from 'viem';
import type { Address, Hex } from '@agentpay/protocol';
import { ChainError, type Chain, type Fees } from './Chain.js';
import { createFeeGauge, type FeeGauge } from './feeGauge.js';
import { signTransaction } from './signTransaction.js';

/** What a transaction shall do. */
export interface TransactionRequest {
  readonly to: Address;
  readonly data: Hex;
  readonly gas: bigint;
}

/** A signed transaction: one attempt to use one account nonce. */
export interface SignedTransaction extends TransactionRequest, Fees {
  readonly signer: Address;
  readonly nonce: number;
  readonly raw: Hex;
  readonly hash: Hex;
}

/** Makes a signed transaction durable. It is called before the node sees the transaction, also for replacements. */
export type RecordTransaction = (transaction: SignedTransaction) => Promise<void>;

/**
 * Sends the transactions of one account, in the order of their nonces. Nobody else may send from the account meanwhile.
 * A transaction stays in flight until {@link Sender.finish}: the sender broadcasts it again when the node lost or refused it,
 * and replaces it under the same nonce with a higher fee, up to the limit, when it gets into no block. So one nonce never does two things.
 */
export interface Sender {
  readonly address: Address;
  /** Transactions that are recorded and not finished. */
  inFlight(): number;
  /**
   * Signs with the next nonce, records, broadcasts. A node that does not take the transaction is no failure: it is tried again.
   * @throws whatever fees, signing or recording threw: then nothing was broadcast, and the nonce goes to the next transaction.
   */
  send(request: TransactionRequest, record: RecordTransaction): Promise<SignedTransaction>;
  /** Takes over recorded attempts, all of one nonce, oldest first, and broadcasts the last again. */
  adopt(attempts: readonly SignedTransaction[], record: RecordTransaction): Promise<void>;
  /** The nonce is used by a transaction in a block. */
  finish(nonce: number): void;
  /** Nobody needs this transaction any more: its next replacement does nothing but use the nonce, to let later ones through. */
  abandon(nonce: number): void;
  /** Spends a nonce that nothing is known to have used, on nothing, so that later transactions are not held up. */
  fill(nonce: number, record: RecordTransaction): Promise<void>;
  /** Repairs what is stuck; to be called every second or so. */
  maintain(): Promise<Maintenance>;
}

export interface Maintenance {
  /** Nonces that somebody else's transaction used: none of ours with that nonce can ever get into a block. */
  readonly dropped: readonly number[];
  /**
   * Nonces that were used and are unused again, because the chain lost the blocks: nothing later gets through until the caller gives
   * their transactions back by {@link Sender.adopt}, or {@link Sender.fill}s those it knows nothing of. Some at a time, lowest first.
   */
  readonly lost: readonly number[];
}

export interface SenderOptions {
  readonly chain: Chain;
  readonly clock: Clock;
  readonly account: LocalAccount;
  readonly chainId: number;
  /** Shared by the senders of a chain. Default: one of its own, without a limit. */
  readonly fees?: FeeGauge | undefined;
  /** Milliseconds in which a transaction should get into a block before it is replaced. Default 20 000. */
  readonly bumpAfterMs?: number;
  /** First account nonce that no recorded transaction has. Default 0: nothing is recorded. */
  readonly nextNonce?: number;
  /** Hears of broadcast that the node did not take. */
  readonly onError?: (error: unknown) => void;
}

interface Flight {
  readonly nonce: number;
  readonly attempts: SignedTransaction[];
  readonly record: RecordTransaction;
  request: TransactionRequest;
  isBroadcast: boolean;
  abandoned: boolean;
  /** When the last attempt was broadcast, ms. */
  since: number;
  /** How often the nonce was found used without a receipt of ours. */
  misses: number;
}

/** An account at rest is compared with the chain this often. */
const LOOK_AFTER_REST_MS = 30_000;
/** One RPC node of several may lag behind in receipts or account nonces; this many looks must agree. */
const MISSES_TO_GIVE_UP = 3;
/** Lost nonces that are reported at once. */
const LOST_AT_ONCE = 50;

/** A sender at work, as its steps see it. */
interface Sending extends Pick<SenderOptions, 'chain' | 'clock' | 'account' | 'chainId'> {
  readonly onError: SenderOptions['onError'] | undefined;
  readonly address: Address;
  readonly fees: FeeGauge;
  readonly bumpAfterMs: number;
  /** First account nonce that no recorded transaction has. */
  readonly unrecorded: number;
  /** By account nonce. */
  readonly flights: Map<number, Flight>;
  next: number | undefined;
  /** When the account was last seen to agree with the chain, ms; undefined: it has to be looked at. */
  agreedAt: number | undefined;
  /** How often nonces were found unused that had been used. */
  gaps: number;
}

export function createSender(options: SenderOptions): Sender {
  const {
    chain,
    clock,
    account,
    chainId,
    bumpAfterMs = 20_000,
    nextNonce: unrecorded = 0,
    onError,
  } = options;
  const { address } = account;
  const fees = options.fees ?? createFeeGauge(options);
  const flights = new Map<number, Flight>();
  const given = { chain, clock, account, chainId, onError, address, fees, bumpAfterMs, unrecorded };
  const own: Sending = { ...given, flights, next: undefined, agreedAt: undefined, gaps: 0 };
  const inTurn = createTurns();

  return {
    address,
    inFlight: () => flights.size,
    send: (request, record) => inTurn(() => sendNext(own, request, record)),
    adopt: (attempts, record) =>
      inTurn(async () => {
        const last = attempts.at(-1);
        if (!last) return;
        own.next = Math.max(await nextNonce(own), last.nonce + 1);
        await broadcast(own, take(own, attempts, record));
      }),
    fill: (nonce, record) =>
      inTurn(async () => {
        const attempt = await sign(own, nonce, nothing(own), await fees.affordable());
        await record(attempt);
        await broadcast(own, take(own, [attempt], record));
      }),
    finish: (nonce) => void flights.delete(nonce),
    abandon(nonce) {
      const flight = flights.get(nonce);
      if (!flight) return;
      flight.abandoned = true;
      flight.request = nothing(own);
    },
    maintain: () =>
      inTurn(async () => {
        const rested = own.agreedAt === undefined || clock.now() - own.agreedAt >= LOOK_AFTER_REST_MS;
        return flights.size > 0 || rested ? repair(own) : { dropped: [], lost: [] };
      }),
  };
}

/** One thing at a time: allocation, broadcast and repair never interleave. */
function createTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let tail: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = tail.then(work);
    tail = turn.catch(() => undefined);
    return turn;
  };
}

/** What only uses a nonce up. */
function nothing({ address }: Sending): TransactionRequest {
  return { to: address, data: '0x', gas: 21_000n };
}

async function sendNext(
  own: Sending,
  request: TransactionRequest,
  record: RecordTransaction,
): Promise<SignedTransaction> {
  await broadcastRefused(own);
  const nonce = await nextNonce(own);
  const attempt = await sign(own, nonce, request, await own.fees.affordable());
  await record(attempt);
  own.next = nonce + 1;
  await broadcast(own, take(own, [attempt], record));
  return attempt;
}

async function sign(
  { account, address, chainId }: Sending,
  nonce: number,
  request: TransactionRequest,
  { maxFeePerGas, maxPriorityFeePerGas }: Fees,
): Promise<SignedTransaction> {
  const fees = { maxFeePerGas, maxPriorityFeePerGas };
  const signed = await signTransaction(account, { ...request, chainId, nonce, ...fees });
  return { ...request, signer: address, nonce, ...fees, ...signed };
}

async function nextNonce(own: Sending): Promise<number> {
  return (own.next ??= Math.max(own.unrecorded, await own.chain.transactionCount(own.address, 'pending')));
}

/** Gives false when the node did not respond, so that trying others now is no use. */
async function broadcast({ chain, clock, onError }: Sending, flight: Flight): Promise<boolean> {
  const attempt = flight.attempts.at(-1) as SignedTransaction;
  flight.since = clock.now();
  try {
    await chain.send(attempt.raw);
    flight.isBroadcast = true;
  } catch (error) {
    flight.isBroadcast = false;
    onError?.(error);
    return !(error instanceof ChainError && error.kind === 'unreachable');
  }
  return true;
}

async function broadcastRefused(own: Sending): Promise<void> {
  for (const flight of inOrder(own)) {
    const responded = flight.isBroadcast || (await broadcast(own, flight));
    if (!responded) return;
  }
}

function take(own: Sending, attempts: readonly SignedTransaction[], record: RecordTransaction): Flight {
  const last = attempts.at(-1) as SignedTransaction;
  const blank = { isBroadcast: false, abandoned: false, since: 0, misses: 0 };
  const flight = { ...blank, nonce: last.nonce, attempts: [...attempts], record, request: last };
  own.flights.set(last.nonce, flight);
  own.agreedAt = undefined;
  return flight;
}

function inOrder({ flights }: Sending): Flight[] {
  return [...flights.values()].sort((a, b) => a.nonce - b.nonce);
}

async function repair(own: Sending): Promise<Maintenance> {
  const used = await own.chain.transactionCount(own.address, 'latest');
  const next = Math.max(await nextNonce(own), used);
  own.next = next;
  const dropped = await dropUsed(own, used);
  await pushWaiting(own, used);
  const lost = lostNonces(own, used, next);
  own.gaps = lost.length > 0 ? own.gaps + 1 : 0;
  if (used === next) own.agreedAt = own.clock.now();
  return { dropped, lost: own.gaps >= MISSES_TO_GIVE_UP ? lost : [] };
}

async function dropUsed(own: Sending, used: number): Promise<number[]> {
  const dropped: number[] = [];
  for (const flight of inOrder(own)) {
    if (flight.nonce >= used) continue;
    if (flight.abandoned) own.flights.delete(flight.nonce);
    else if (await isUsedElsewhere(own, flight)) dropped.push(flight.nonce);
  }
  for (const nonce of dropped) own.flights.delete(nonce);
  return dropped;
}

async function isUsedElsewhere({ chain }: Sending, flight: Flight): Promise<boolean> {
  const receipts = await chain.receipts(flight.attempts.map(({ hash }) => hash));
  flight.misses = receipts.some((receipt) => receipt) ? 0 : flight.misses + 1;
  return flight.misses >= MISSES_TO_GIVE_UP;
}

async function pushWaiting(own: Sending, used: number): Promise<void> {
  let first = true;
  for (const flight of inOrder(own)) {
    if (flight.nonce < used) continue;
    const late = own.clock.now() - flight.since >= own.bumpAfterMs;
    if (late && first) await replace(own, flight);
    else if ((late || !flight.isBroadcast) && !(await broadcast(own, flight))) return;
    first = false;
  }
}

async function replace(own: Sending, flight: Flight): Promise<void> {
  const raised = await own.fees.raised(flight.attempts.at(-1) as SignedTransaction);
  if (raised) {
    const attempt = await sign(own, flight.nonce, flight.request, raised);
    await flight.record(attempt);
    flight.attempts.push(attempt);
  }
  await broadcast(own, flight);
}

function lostNonces({ flights }: Sending, used: number, end: number): number[] {
  const lost: number[] = [];
  for (let nonce = used; nonce < end && lost.length < LOST_AT_ONCE; nonce++)
    if (!flights.has(nonce)) lost.push(nonce);
  return lost;
}
