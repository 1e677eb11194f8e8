import { gateways, type Core } from '@agentpay/core';
import type { Logger } from '@agentpay/http';
import { inTime, repeat, sleep } from '@agentpay/primitives';

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
  start(call: Pick<gateways.GatewayCall, 'id' | 'gatewayId' | 'listingId'>): void;
  /**
   * Resolves when a call by this gateway that this instance carries out has ended, to what became of it, or after so long; at once for
   * any other call.
   */
  ended(
    callId: string,
    wanted: { readonly gatewayId: string; readonly ms: number },
  ): Promise<gateways.GatewayCall | undefined>;
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
  const underWay = new Map<
    string,
    { readonly ended: Promise<gateways.GatewayCall | undefined>; readonly gatewayId: string | undefined }
  >();
  const stopping = new AbortController();
  let open = true;
  const looking = repeat(core.clock, EVERY_MS, () =>
    look().catch((error: unknown) => log.error({ job: 'calls', err: error }, 'job failed')),
  );

  async function look(): Promise<void> {
    const limit = MOST_AT_ONCE - underWay.size;
    if (limit <= 0) return;
    for (const id of await gateways.pickUp(core, { limit })) start({ id });
  }

  function start({
    id: callId,
    gatewayId,
    listingId,
  }: {
    id: string;
    gatewayId?: string;
    listingId?: string;
  }) {
    if (!open || underWay.size >= MOST_AT_ONCE || underWay.has(callId)) return;
    const ended = gateways
      .run(core, { callId, listingId, signal: stopping.signal })
      .catch((error: unknown) => {
        log.error({ job: 'calls', call: callId, err: error }, 'call not ended');
        return undefined;
      })
      .finally(() => underWay.delete(callId));
    underWay.set(callId, { ended, gatewayId });
  }

  return {
    start,
    async ended(callId, { gatewayId, ms }) {
      const mine = underWay.get(callId);
      return mine?.gatewayId === gatewayId ? within(core, ms, mine.ended) : undefined;
    },
    async change(callId, ms) {
      const mine = underWay.get(callId);
      if (mine) await within(core, ms, mine.ended);
      else await sleep(core.clock, Math.min(ms, LOOK_MS));
    },
    async stop() {
      open = false;
      await looking.stop();
      const cancel = core.clock.timer(GRACE_MS, () => stopping.abort());
      await Promise.all([...underWay.values()].map(({ ended }) => ended));
      cancel();
    },
  };
}

/** What `work`, which must not reject, gives; undefined when it takes longer. */
function within<T>(
  { clock }: Pick<Core, 'clock'>,
  ms: number,
  work: Promise<T | undefined>,
): Promise<T | undefined> {
  return inTime(clock, ms, work, () => new Error('It takes longer.')).catch(() => undefined);
}
