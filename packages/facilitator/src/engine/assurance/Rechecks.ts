import type { Hex } from '@agentpay/protocol';
import type { Chain, TransactionReceipt } from '@agentpay/evm';
import type { Clock } from '@agentpay/primitives';
import { provenOutcomes } from './provenOutcome.js';
import type { Settlement } from '../Settlement.js';
import type { SettlementStore } from '../SettlementStore.js';

/** When settled payments are looked at again, ms after they were recorded. */
const LOOKS_AFTER_MS = [10_000, 60_000];
/** One RPC node of several may lag behind; this many looks must agree. */
const LOOKS_TO_BELIEVE = 3;
const RECEIPTS_AT_ONCE = 100;

export interface RechecksOptions {
  readonly chain: Chain;
  readonly clock: Clock;
  readonly store: SettlementStore;
}

/**
 * Looks again at transactions that made payments: when the chain loses blocks, a transaction may be mined once more without making its
 * payments, or another attempt with the same account nonce may make them.
 */
export interface Rechecks {
  /** Payments recorded as made by a transaction, and the block in which it was seen, if it was. */
  add(ids: readonly string[], hash: Hex, blockHash: Hex | undefined): void;
  /** Looks at what is due. */
  look(): Promise<void>;
}

interface Kept {
  readonly ids: readonly string[];
  readonly hash: Hex;
  blockHash: Hex | undefined;
  readonly at: number;
  looks: number;
  /** Looks in a row that did not find the payments. */
  misses: number;
}

/** @param makeAgain takes payments that the chain shows nowhere any more */
export function createRechecks(
  options: RechecksOptions,
  makeAgain: (lost: readonly Settlement[]) => Promise<void>,
): Rechecks {
  const { chain, clock, store } = options;
  const kept = new Set<Kept>();

  function add(ids: readonly string[], hash: Hex, blockHash: Hex | undefined): void {
    kept.add({ ids, hash, blockHash, at: clock.now(), looks: 0, misses: 0 });
  }

  async function lookAt(one: Kept, receipt: TransactionReceipt | undefined): Promise<void> {
    const lost = receipt && receipt.blockHash === one.blockHash ? [] : await lostOf(one, receipt);
    if (lost.length > 0) {
      one.misses += 1;
      if (one.misses < LOOKS_TO_BELIEVE) return;
      await makeAgain(lost);
    }
    one.misses = 0;
    one.blockHash = receipt?.blockHash;
    one.looks += 1;
    if (one.looks === LOOKS_AFTER_MS.length) kept.delete(one);
  }

  /** Those without a transfer on the chain. One that another transaction made is recorded as that. */
  async function lostOf(
    { ids, hash }: Kept,
    receipt: TransactionReceipt | undefined,
  ): Promise<readonly Settlement[]> {
    const settled = (await store.getAll(ids)).filter(
      (settlement) => settlement.state === 'settled' && settlement.hash === hash,
    );
    const doubtful = settled.filter(({ transfer }) => !receipt || !transfer.isProvedBy(receipt.logs));
    const proven = doubtful.length > 0 ? await provenOutcomes({ chain, confirmations: 1 }, doubtful) : [];
    const lost: Settlement[] = [];
    for (const [i, settlement] of doubtful.entries()) {
      const outcome = proven[i];
      if (outcome?.state !== 'settled') lost.push(settlement);
      else if (outcome.hash !== hash) await recordOther(settlement, outcome.hash);
    }
    return lost;
  }

  async function recordOther({ id }: Settlement, hash: Hex): Promise<void> {
    await store.settle([id], hash);
    add([id], hash, undefined);
  }

  return {
    add,
    async look() {
      const due = [...kept].filter(({ at, looks }) => clock.now() - at >= (LOOKS_AFTER_MS[looks] as number));
      for (let i = 0; i < due.length; i += RECEIPTS_AT_ONCE) {
        const some = due.slice(i, i + RECEIPTS_AT_ONCE);
        const receipts = await chain.receipts(some.map(({ hash }) => hash));
        for (const [place, one] of some.entries()) await lookAt(one, receipts[place]);
      }
    },
  };
}
