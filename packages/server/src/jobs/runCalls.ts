import { gateways, type Core } from '@agentpay/core';
import type { Logger } from '@agentpay/http';
import { repeat, sleep } from '@agentpay/primitives';

/** Calls of agents under way at once on one instance; others wait in the database. */
const MOST_AT_ONCE = 256;
/** How often an instance looks for queued calls that nobody carries out. */
const EVERY_MS = 1_000;
/** How often a request that waits for a call of another instance looks. */
const LOOK_MS = 250;
/** What calls under way still get when the process stops. */
const GRACE_MS = 5_000;

/** Carries queued calls out on this instance. */
export interface CallRunner {
  /** Begins a queued call, now or when there is room. */
  start(callId: string): void;
  /** Resolves when a call of this instance has ended, or after a while. */
  change(callId: string, ms: number): Promise<void>;
  /** Lets the calls under way end for a few seconds; those that have not end unpaid. No other begins. */
  stop(): Promise<void>;
}

/**
 * Carries calls out as they are queued, without anybody waiting for them. What this process leaves behind when it dies, queued or
 * running, is picked up by another.
 */
export function callRunner(core: Core, log: Logger): CallRunner {
  const underWay = new Map<string, Promise<void>>();
  const stopping = new AbortController();
  let open = true;
  const looking = repeat(core.clock, EVERY_MS, () =>
    look().catch((error: unknown) => log.error({ job: 'calls', err: error }, 'job failed')),
  );

  async function look(): Promise<void> {
    const limit = MOST_AT_ONCE - underWay.size;
    if (limit <= 0) return;
    for (const callId of await gateways.pickUp(core, { limit })) start(callId);
  }

  function start(callId: string): void {
    if (!open || underWay.size >= MOST_AT_ONCE || underWay.has(callId)) return;
    const ended = gateways
      .run(core, { callId, signal: stopping.signal })
      .catch((error: unknown) => log.error({ job: 'calls', call: callId, err: error }, 'call not ended'))
      .finally(() => underWay.delete(callId));
    underWay.set(callId, ended);
  }

  return {
    start,
    async change(callId, ms) {
      const mine = underWay.get(callId);
      const done = new AbortController();
      await Promise.race([mine, sleep(core.clock, Math.min(ms, mine ? ms : LOOK_MS), done.signal)]);
      done.abort();
    },
    async stop() {
      open = false;
      await looking.stop();
      const cancel = core.clock.timer(GRACE_MS, () => stopping.abort());
      await Promise.all(underWay.values());
      cancel();
    },
  };
}
