import type { Core } from '../Core.js';
import * as store from './TokenStore.js';
import { track } from './tracking.js';

const BATCH = 100;

/**
 * Tells the tracker of every token that can still change, soonest deadline first. For a node that starts: the tracker may have
 * been emptied, and a node that died may have told it nothing of its last commits. Ends early when the tracker is out of reach.
 * @param options.signal ends it between two batches
 * @returns how many tokens the tracker took
 */
export async function rebuildTracker(core: Core, { signal }: { signal?: AbortSignal } = {}): Promise<number> {
  // Later tokens are tracked by those who issue them; without this bound they could keep the rebuild going.
  const issuedBy = new Date(core.clock.now());
  let taken = 0;
  let after: store.OpenToken | undefined;
  while (!signal?.aborted) {
    const tokens = await store.selectOpen(core.db, { issuedBy, after, limit: BATCH });
    const answers = await Promise.all(tokens.map((token) => track(core, token)));
    taken += answers.filter(Boolean).length;
    if (tokens.length < BATCH || answers.includes(false)) break;
    after = tokens.at(-1);
  }
  return taken;
}
