import type { Clock } from '@agentpay/primitives';
import { keccak256, type LocalAccount } from 'viem';
import type { Address, Hex } from '@agentpay/protocol';
import type { Chain, Fees } from './Chain.js';

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
 * A transaction stays in flight until {@link Sender.finish}: the sender hands it to the node again when the node lost or refused it,
 * and replaces it under the same nonce with a higher fee when it does not get into a block. So one nonce never does two things.
 */
export interface Sender {
  readonly address: Address;
  /** Transactions that are recorded and not finished. */
  inFlight(): number;
  /**
   * Signs with the next nonce, records, hands over. A node that does not take the transaction is no failure: it is tried again.
   * @throws whatever fees, signing or recording threw: then nothing was handed over, and the nonce goes to the next transaction.
   */
  send(request: TransactionRequest, record: RecordTransaction): Promise<SignedTransaction>;
  /** Takes over the recorded attempts of an earlier process, all of one nonce, oldest first, and hands the last to the node again. */
  adopt(attempts: readonly SignedTransaction[], record: RecordTransaction): Promise<void>;
  /** The nonce is used by a transaction in a block. */
  finish(nonce: number): void;
  /** Nobody needs this transaction any more: its next replacement does nothing but use the nonce, to let later ones through. */
  abandon(nonce: number): void;
  /**
   * Repairs what is stuck; to be called every second or so.
   * @returns nonces that somebody else's transaction used: none of ours with that nonce can ever get into a block.
   */
  maintain(): Promise<readonly number[]>;
}

export interface SenderOptions {
  readonly chain: Chain;
  readonly clock: Clock;
  readonly account: LocalAccount;
  readonly chainId: number;
  /** Milliseconds in which a transaction should get into a block before it is replaced. Default 20 000. */
  readonly bumpAfterMs?: number;
  /** Hears of hand-overs that the node did not take. */
  readonly onError?: (error: unknown) => void;
}

interface Flight {
  readonly nonce: number;
  readonly attempts: SignedTransaction[];
  readonly record: RecordTransaction;
  request: TransactionRequest;
  handedOver: boolean;
  abandoned: boolean;
  /** When the last attempt was handed over, ms. */
  since: number;
  /** How often the nonce was found used without a receipt of ours. */
  misses: number;
}

const FEES_TTL_MS = 2_000;
const FORGET_NONCE_AFTER_MS = 30_000;
/** A node may know the new account nonce before it finds the receipt; this many looks must agree. */
const MISSES_TO_GIVE_UP = 3;

export function createSender(options: SenderOptions): Sender {
  const { chain, clock, account, chainId, bumpAfterMs = 20_000, onError } = options;
  const address = account.address;
  const flights = new Map<number, Flight>();
  let next: number | undefined;
  let lastSent = 0;
  let fees: { value: Fees; until: number } | undefined;
  let tail: Promise<unknown> = Promise.resolve();

  /** One thing at a time: allocation, hand-over and repair never interleave. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = tail.then(work);
    tail = turn.catch(() => undefined);
    return turn;
  }

  async function currentFees(): Promise<Fees> {
    if (!fees || fees.until <= clock.now()) fees = { value: await chain.fees(), until: clock.now() + FEES_TTL_MS };
    return fees.value;
  }

  async function sign(nonce: number, request: TransactionRequest, { maxFeePerGas, maxPriorityFeePerGas }: Fees) {
    const raw = await account.signTransaction({
      type: 'eip1559', chainId, nonce, to: request.to, data: request.data, gas: request.gas, value: 0n, maxFeePerGas, maxPriorityFeePerGas,
    });
    return { ...request, signer: address, nonce, maxFeePerGas, maxPriorityFeePerGas, raw, hash: keccak256(raw) };
  }

  async function handOver(flight: Flight): Promise<void> {
    const attempt = flight.attempts.at(-1) as SignedTransaction;
    flight.since = clock.now();
    try {
      await chain.send(attempt.raw);
      flight.handedOver = true;
    } catch (error) {
      flight.handedOver = false;
      onError?.(error);
    }
  }

  async function handOverRefused(): Promise<void> {
    for (const flight of inOrder()) if (!flight.handedOver) await handOver(flight);
  }

  function inOrder(): Flight[] {
    return [...flights.values()].sort((a, b) => a.nonce - b.nonce);
  }

  async function replace(flight: Flight): Promise<void> {
    const last = flight.attempts.at(-1) as SignedTransaction;
    const now = await currentFees();
    const bumped = {
      maxFeePerGas: max(quarterMore(last.maxFeePerGas), now.maxFeePerGas),
      maxPriorityFeePerGas: max(quarterMore(last.maxPriorityFeePerGas), now.maxPriorityFeePerGas),
    };
    const attempt = await sign(flight.nonce, flight.request, bumped);
    await flight.record(attempt);
    flight.attempts.push(attempt);
    await handOver(flight);
  }

  async function usedElsewhere(flight: Flight): Promise<boolean> {
    const receipts = await chain.receipts(flight.attempts.map(({ hash }) => hash));
    flight.misses = receipts.some((receipt) => receipt) ? 0 : flight.misses + 1;
    return flight.misses >= MISSES_TO_GIVE_UP;
  }

  async function repair(): Promise<number[]> {
    const used = await chain.transactionCount(address, 'latest');
    if (next !== undefined && next < used) next = used;
    const dropped: number[] = [];
    let first = true;
    for (const flight of inOrder()) {
      if (flight.nonce < used) {
        if (flight.abandoned) flights.delete(flight.nonce);
        else if (await usedElsewhere(flight)) dropped.push(flight.nonce);
        continue;
      }
      const late = clock.now() - flight.since >= bumpAfterMs;
      if (late && first) await replace(flight);
      else if (late || !flight.handedOver) await handOver(flight);
      first = false;
    }
    for (const nonce of dropped) flights.delete(nonce);
    return dropped;
  }

  return {
    address,
    inFlight: () => flights.size,
    send: (request, record) =>
      inTurn(async () => {
        await handOverRefused();
        next ??= await chain.transactionCount(address, 'pending');
        const attempt = await sign(next, request, await currentFees());
        await record(attempt);
        const flight = { ...blankFlight(), nonce: next, attempts: [attempt], record, request };
        flights.set(next, flight);
        next += 1;
        lastSent = clock.now();
        await handOver(flight);
        return attempt;
      }),
    adopt: (attempts, record) =>
      inTurn(async () => {
        const last = attempts.at(-1);
        if (!last) return;
        const flight = { ...blankFlight(), nonce: last.nonce, attempts: [...attempts], record, request: last };
        flights.set(last.nonce, flight);
        next = Math.max(next ?? (await chain.transactionCount(address, 'pending')), last.nonce + 1);
        lastSent = clock.now();
        await handOver(flight);
      }),
    finish: (nonce) => void flights.delete(nonce),
    abandon(nonce) {
      const flight = flights.get(nonce);
      if (!flight) return;
      flight.abandoned = true;
      flight.request = { to: address, data: '0x', gas: 21_000n };
    },
    maintain: () =>
      inTurn(async () => {
        if (flights.size > 0) return repair();
        // After a rest the chain is asked anew, so that a nonce spent by hand, or a reset test chain, does not wedge the account.
        if (clock.now() - lastSent > FORGET_NONCE_AFTER_MS) next = undefined;
        return [];
      }),
  };
}

function blankFlight() {
  return { handedOver: false, abandoned: false, since: 0, misses: 0 };
}

function quarterMore(fee: bigint): bigint {
  return fee + fee / 4n + 1n;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
