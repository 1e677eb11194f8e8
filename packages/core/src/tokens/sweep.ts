import type { Core } from '../Core.js';
import type { JobReport } from '../Job.js';
import { advance } from './advance.js';
import { decide } from './Token.js';
import type { Token } from './Token.js';
import * as store from './TokenStore.js';
import { dueTokens, track } from './tracking.js';

/** What a sweep did. A token that failed keeps its deadline and is met again by the next sweep. */
export interface Swept {
  readonly expired: number;
  readonly breached: number;
  readonly failures: readonly { readonly tokenId: string; readonly error: unknown }[];
}

/** Tokens released in one batch, and batches in one run. */
const BATCH = 100;
const MAX_BATCHES = 50;
const LEASE_MS = 10_000;

/**
 * Releases up to `limit` tokens whose deadline has passed, longest overdue first, from PostgreSQL alone. Any number of nodes may sweep
 * at once: each token is released by one of them, and a token that somebody else is changing is left to him.
 */
export async function sweep(
  core: Core,
  { nowMs = core.clock.now(), limit = BATCH }: { nowMs?: number; limit?: number } = {},
): Promise<Swept> {
  return lapseAll(core, await store.selectDue(core.db, new Date(nowMs), limit), nowMs);
}

/** The same for the tokens that the tracker holds for due: cheaper, so it can run every second; what it misses, {@link sweep} finds. */
export async function sweepTracked(
  core: Core,
  { limit = BATCH, leaseMs = LEASE_MS }: { limit?: number; leaseMs?: number } = {},
): Promise<Swept> {
  return lapseAll(core, await dueTokens(core, { limit, leaseMs }), core.clock.now());
}

/** Repeats a sweep until a batch releases less than it might. Tokens that failed are met again by the next run, not by the next batch. */
export async function inBatches(
  core: Core,
  sweepOnce: (core: Core, options: { limit: number }) => Promise<Swept>,
): Promise<JobReport> {
  const done = { expired: 0, breached: 0 };
  const failures: { subject: string; error: unknown }[] = [];
  for (let n = 0; n < MAX_BATCHES; n++) {
    const swept = await sweepOnce(core, { limit: BATCH });
    done.expired += swept.expired;
    done.breached += swept.breached;
    failures.push(...swept.failures.map(({ tokenId, error }) => ({ subject: tokenId, error })));
    if (swept.expired + swept.breached < BATCH) break;
  }
  return { done, failures };
}

// One transaction each: two tokens in one could lock the same wallets in two orders, and one that fails would undo the others.
async function lapseAll(core: Core, tokenIds: readonly string[], nowMs: number): Promise<Swept> {
  let expired = 0;
  let breached = 0;
  const failures: { tokenId: string; error: unknown }[] = [];
  for (const tokenId of tokenIds) {
    try {
      const token = await lapse(core, tokenId, nowMs);
      if (token?.state === 'expired') expired++;
      if (token?.state === 'sla_breached') breached++;
    } catch (error) {
      failures.push({ tokenId, error });
    }
  }
  return { expired, breached, failures };
}

/** The lapsed token, or undefined when it was not due after all or is in somebody else's hands. */
async function lapse(core: Core, tokenId: string, nowMs: number): Promise<Token | undefined> {
  const { token, lapsed } = await core.db.tx(async (tx) => {
    const found = await store.lockTokenIfFree(tx, tokenId);
    const decision = found && decide(found, 'deadline_passed', nowMs);
    if (!found || decision?.kind !== 'advance') return { token: found, lapsed: false };
    return { token: await advance(core, tx, found, decision.to, nowMs), lapsed: true };
  });
  if (token) await track(core, token);
  return lapsed ? token : undefined;
}
