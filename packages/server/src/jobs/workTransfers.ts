import { agreements, payments, payouts, purchases, type Core, type JobReport } from '@agentpay/core';
import type { Logger } from '@agentpay/http';
import { repeat } from '@agentpay/primitives';
import { report, type AroundJob } from './startJobs.js';

const EVERY_MS = 500;
const MOST_AT_ONCE = 20;

type Kind = (core: Core, options: { limit: number }) => Promise<JobReport>;

/** What is settled in the same run shares its transactions, so that many are taken. */
function together(work: Kind): Kind {
  return (core) => work(core, { limit: agreements.MOST_RELAYED });
}

/** What leaves the platform and takes its time, and what the clock moves. */
export const transfers: Readonly<Record<string, Kind>> = {
  'payments.progress': payments.progress,
  'payments.refunds': payments.progressRefunds,
  'payouts.work': payouts.work,
  'purchases.work': purchases.work,
  'purchases.ended': purchases.workEnded,
  'agreements.work': together(agreements.work),
  'agreements.relay': together(agreements.relay),
  'agreements.left': agreements.releaseLeft,
  'agreements.direct': agreements.workDirect,
};

/** Takes payments and refunds by other rails, payouts and agreements on that are due, twice a second, each kind in its own time. */
export function workTransfers(
  core: Core,
  { log, around }: { log: Logger; around: AroundJob },
): { stop(): Promise<void> } {
  const running = Object.entries(transfers).map(([job, work]) =>
    repeat(core.clock, EVERY_MS, () =>
      around(job, () => work(core, { limit: MOST_AT_ONCE })).then(
        (done) => report(job, done, log),
        (error: unknown) => log.error({ job, err: error }, 'job failed'),
      ),
    ),
  );
  return {
    async stop() {
      await Promise.all(running.map((each) => each.stop()));
    },
  };
}
