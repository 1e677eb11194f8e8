import { afterThisTurn } from '@agentpay/primitives';
import type { Address } from '@agentpay/protocol';
import { ChainError, type Call, type CallResult, type Chain } from './Chain.js';

/** Reads in one `eth_call`: with about 150 000 gas each far below what nodes allow (geth: 50 million). */
const MOST_TOGETHER = 100;
/** So many go at once, without waiting for the end of the turn, so that the node works while this process reads on. */
const ENOUGH = 12;
/** Calls of the node at work at once; whoever comes meanwhile goes with the next one. */
const MOST_AT_WORK = 3;

interface Read {
  readonly calls: readonly Call[];
  readonly payer: Address;
}

interface Waiting extends Read {
  readonly resolve: (results: readonly CallResult[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The chain, but reads that may be shared, asked in one turn of the event loop or while earlier ones are at the node, travel in one
 * `eth_call`. In it all views come before all actions, so they see the block as it is; an action that fails behind another one of the
 * same payer is asked again alone, and so is a read with a failure that says nothing.
 */
export function sharedReads(chain: Chain): Chain {
  let queue: Waiting[] = [];
  let scheduled = false;
  let atWork = 0;

  function schedule(): void {
    if (atWork >= MOST_AT_WORK || queue.length === 0) return;
    if (queue.length >= ENOUGH) return depart();
    if (scheduled) return;
    scheduled = true;
    afterThisTurn(() => {
      scheduled = false;
      depart();
    });
  }

  function depart(): void {
    const batch = queue.slice(0, MOST_TOGETHER);
    if (batch.length === 0 || atWork >= MOST_AT_WORK) return;
    queue = queue.slice(MOST_TOGETHER);
    atWork += 1;
    void answer(batch).finally(() => {
      atWork -= 1;
      schedule();
    });
    schedule();
  }

  async function answer(batch: readonly Waiting[]): Promise<void> {
    try {
      const results = await readTogether(chain, batch);
      await Promise.all(
        batch.map((waiting, i) =>
          isSpoiled(batch, i, results) ? alone(waiting) : waiting.resolve(results[i] ?? []),
        ),
      );
    } catch (error) {
      // A node may refuse a call for its size, or for one member that poisons it; then each is asked for itself.
      const declined = error instanceof ChainError && error.kind === 'declined' && batch.length > 1;
      await Promise.all(batch.map((waiting) => (declined ? alone(waiting) : waiting.reject(error))));
    }
  }

  const alone = ({ calls, resolve, reject }: Waiting) => chain.read(calls).then(resolve, reject);

  return {
    ...chain,
    read(calls, sharing) {
      if (!sharing) return chain.read(calls);
      return new Promise((resolve, reject) => {
        queue.push({ calls, payer: sharing.payer, resolve, reject });
        schedule();
      });
    },
  };
}

function isSpoiled(batch: readonly Read[], i: number, results: readonly (readonly CallResult[])[]): boolean {
  // A failure without a word: code of somebody's account may have burnt the gas of all.
  if (batch.length > 1 && results[i]?.some(({ success, data }) => !success && data === '0x')) return true;
  const failed = results[i]?.at(-1)?.success === false;
  return failed && batch.slice(0, i).some(({ payer }) => payer === batch[i]?.payer);
}

async function readTogether(chain: Chain, reads: readonly Read[]): Promise<CallResult[][]> {
  const views = reads.map(({ calls }) => calls.slice(0, -1));
  const results = await chain.read([...views.flat(), ...reads.flatMap(({ calls }) => calls.slice(-1))]);
  const actions = results.slice(-reads.length);
  let at = 0;
  return views.map((mine, i) => [...results.slice(at, (at += mine.length)), actions[i] as CallResult]);
}
