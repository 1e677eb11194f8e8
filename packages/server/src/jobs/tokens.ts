import { tokens, type Core } from '@agentpay/core';
import type { Logger } from '@agentpay/http';
import { every } from './every.js';
import { underLease } from './lease.js';

/** Tokens released in one batch, and batches in one run: a run is bounded, what is left waits for the next. */
const BATCH = 100;
const MAX_BATCHES = 50;

/** The jobs of a node. */
export interface Jobs {
  /** Resolves when the runs under way have ended; no other begins. */
  stop(): Promise<void>;
}

/**
 * Returns the money of payment tokens that ran out. Each second the tracker names those that are due; a node that starts tells it
 * of all open ones; each minute one node of the cluster runs `sla.cleanup`, which finds in the database what the tracker missed.
 */
export function startTokenJobs(core: Core, log: Logger): Jobs {
  const { clock } = core;
  const due = every(1_000, () => inBatches('token.due', tokens.sweepTracked, core, log), {
    name: 'token.due',
    clock,
    log,
  });
  const cleanup = every(60_000, () => slaCleanup(core, log), { name: 'sla.cleanup', clock, log });
  const stopping = new AbortController();
  const rebuilt = rebuildTracker(core, log, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await Promise.all([rebuilt, due.stop(), cleanup.stop()]);
    },
  };
}

async function rebuildTracker(core: Core, log: Logger, signal: AbortSignal): Promise<void> {
  const job = 'token.rebuild';
  await tokens.rebuildTracker(core, { signal }).then(
    (taken) => log.info({ job, taken }, 'tracker told of the open tokens'),
    (error: unknown) => log.error({ job, err: error }, 'job failed'),
  );
}

async function slaCleanup(core: Core, log: Logger): Promise<void> {
  // A little less than the timer's period, so that the node's own next run finds the lease free.
  const lease = { name: 'sla.cleanup', periodMs: 55_000, leaseMs: 300_000 };
  await underLease(core, lease, () => inBatches('sla.cleanup', tokens.sweep, core, log));
}

type Sweep = (core: Core, options: { limit: number }) => Promise<tokens.Swept>;

/** Repeats until a batch releases less than it might. Tokens that failed are met again by the next run, not by the next batch. */
async function inBatches(job: string, sweep: Sweep, core: Core, log: Logger): Promise<void> {
  for (let n = 0; n < MAX_BATCHES; n++) {
    const { expired, breached, failures } = await sweep(core, { limit: BATCH });
    for (const { tokenId, error } of failures) log.error({ job, tokenId, err: error }, 'token not released');
    if (expired + breached > 0) log.info({ job, expired, breached }, 'tokens released');
    if (expired + breached < BATCH) return;
  }
}
