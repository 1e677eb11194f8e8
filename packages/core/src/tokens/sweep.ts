import { attemptAll, attemptDue } from '../attempts.js';
import { byBatches } from '../byBatches.js';
import type { Core } from '../Core.js';
import type { JobReport } from '../Job.js';
import { advance } from './advance.js';
import { decide } from './Token.js';
import type { Token } from './Token.js';
import * as store from './TokenStore.js';
import { dueTokens, track } from './tracking.js';

/** What a sweep did. A token that failed keeps its deadline and is met again, after a wait that grows. */
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
 * at once: each token is released by one of them.
 */
export async function sweep(
  core: Core,
  { nowMs = core.clock.now(), limit = BATCH }: { nowMs?: number; limit?: number } = {},
): Promise<Swept> {
  const lapsed: Lapsed = [];
  const { failures } = await attemptDue(
    { db: core.db, clock: { now: () => nowMs } },
    {
      job: 'sla.cleanup',
      limit,
      due: store.dueRows,
      attempt: async ({ id }) => lapsed.push(await lapse(core, id, nowMs)),
    },
  );
  return sweptOf(lapsed, failures);
}

/** The same for the tokens that the tracker holds for due: cheaper, so it can run every second; what it misses, {@link sweep} finds. */
export async function sweepTracked(
  core: Core,
  { limit = BATCH, leaseMs = LEASE_MS }: { limit?: number; leaseMs?: number } = {},
): Promise<Swept> {
  const [ids, nowMs] = [await dueTokens(core, { limit, leaseMs }), core.clock.now()];
  const lapsed: Lapsed = [];
  const { failures } = await attemptAll(
    ids.map((id) => ({ id })),
    async ({ id }) => lapsed.push(await lapse(core, id, nowMs)),
  );
  return sweptOf(lapsed, failures);
}

/** Repeats a sweep until a batch releases less than it might. Tokens that failed are met again by the next run, not by the next batch. */
export async function inBatches(
  core: Core,
  sweepOnce: (core: Core, options: { limit: number }) => Promise<Swept>,
): Promise<JobReport> {
  const done = { expired: 0, breached: 0 };
  const failures: { subject: string; error: unknown }[] = [];
  const sweepBatch = async (limit: number) => {
    const swept = await sweepOnce(core, { limit });
    done.expired += swept.expired;
    done.breached += swept.breached;
    failures.push(...swept.failures.map(({ tokenId, error }) => ({ subject: tokenId, error })));
    return swept.expired + swept.breached;
  };
  await byBatches(BATCH, sweepBatch, MAX_BATCHES);
  return { done, failures };
}

type Lapsed = (Token | undefined)[];

function sweptOf(lapsed: Lapsed, failures: JobReport['failures']): Swept {
  const count = (state: Token['state']) => lapsed.filter((token) => token?.state === state).length;
  return {
    expired: count('expired'),
    breached: count('sla_breached'),
    failures: failures.map(({ subject, error }) => ({ tokenId: subject, error })),
  };
}

/** The lapsed token, or undefined when it was not due after all. */
async function lapse(core: Core, tokenId: string, nowMs: number): Promise<Token | undefined> {
  const { token, lapsed } = await core.batch.run({
    wants: [[store.tokenRows, [tokenId]]],
    lane: tokenId,
    decide(scene) {
      const found = scene.find(store.tokenRows, tokenId);
      const decision = found && decide(found, 'deadline_passed', nowMs);
      if (!found || decision?.kind !== 'advance') return { token: found, lapsed: false };
      return { token: advance(core, scene, found, decision.to, nowMs), lapsed: true };
    },
  });
  if (token) await track(core, token);
  return lapsed ? token : undefined;
}
