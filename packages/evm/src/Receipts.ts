import type { Cancel, Clock } from '@agentpay/primitives';
import type { Hex } from '@agentpay/protocol';
import type { Chain, TransactionReceipt } from './Chain.js';

const BATCH = 100;
/** Part of the usual time between two blocks in which no other is looked for; then so many looks in the same time again. */
const QUIET = 0.75;
const LOOKS_PER_BLOCK = 16;
const LONGEST_PAUSE_MS = 500;

/** Watches transactions for everybody who waits for one: one look at their receipts per block, however many wait. */
export interface Receipts {
  /** Calls `found` once, when the transaction stands in a block deep enough. */
  watch(hash: Hex, found: (receipt: TransactionReceipt) => void): Cancel;
  close(): void;
}

export interface ReceiptsOptions {
  readonly chain: Chain;
  readonly clock: Clock;
  /** Least milliseconds between looks while anybody waits; they are fewer when no block is due, or blocks are slow. Default 100. */
  readonly pollMs?: number;
  /** Blocks that a transaction must have, its own included. Default 1. */
  readonly confirmations?: number;
  /** Hears of looks that failed; the next one is made all the same. */
  readonly onError?: (error: unknown) => void;
}

interface Waiter {
  readonly hash: Hex;
  readonly found: (receipt: TransactionReceipt) => void;
  /** Last block in which the transaction was looked for. */
  seen: bigint;
}

interface Seen {
  readonly number: bigint;
  readonly at: number;
}

/** The first and the latest block that were seen. */
interface Blocks {
  first: Seen | undefined;
  latest: Seen | undefined;
}

export function createReceipts(options: ReceiptsOptions): Receipts {
  const { chain, clock, pollMs = 100, confirmations = 1, onError } = options;
  const waiters = new Set<Waiter>();
  let cancelTimer: Cancel | undefined;
  let closed = false;
  const blocks: Blocks = { first: undefined, latest: undefined };

  function schedule(): void {
    if (closed || cancelTimer || waiters.size === 0) return;
    cancelTimer = clock.timer(pauseMs(blocks, clock.now(), pollMs), () => {
      void look()
        .catch((error: unknown) => onError?.(error))
        .finally(() => {
          cancelTimer = undefined;
          schedule();
        });
    });
  }

  async function look(): Promise<void> {
    const { number } = await chain.block();
    note(blocks, { number, at: clock.now() });
    const due = [...waiters].filter((waiter) => waiter.seen !== number);
    for (let i = 0; i < due.length; i += BATCH) await lookFor(due.slice(i, i + BATCH), number);
  }

  async function lookFor(due: readonly Waiter[], block: bigint): Promise<void> {
    const receipts = await chain.receipts(due.map(({ hash }) => hash));
    due.forEach((waiter, i) => {
      const receipt = receipts[i];
      waiter.seen = block;
      const deep = receipt && block - receipt.blockNumber + 1n >= BigInt(confirmations);
      if (deep && waiters.delete(waiter)) waiter.found(receipt);
    });
  }

  return {
    watch(hash, found) {
      const waiter = { hash, found, seen: -1n };
      waiters.add(waiter);
      schedule();
      return () => void waiters.delete(waiter);
    },
    close() {
      closed = true;
      cancelTimer?.();
      waiters.clear();
    },
  };
}

function note(blocks: Blocks, seen: Seen): void {
  if (seen.number === blocks.latest?.number) return;
  blocks.latest = seen;
  if (!blocks.first || seen.number < blocks.first.number) blocks.first = seen;
}

/** Until the next look, by how fast blocks have come since the first one. */
function pauseMs({ first, latest }: Blocks, now: number, pollMs: number): number {
  if (!first || !latest || first.number === latest.number) return pollMs;
  const blockMs = (latest.at - first.at) / Number(latest.number - first.number);
  const quietMs = latest.at + QUIET * blockMs - now;
  return Math.max(pollMs, Math.min(LONGEST_PAUSE_MS, Math.max(quietMs, blockMs / LOOKS_PER_BLOCK)));
}
