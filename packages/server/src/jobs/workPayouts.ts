import { payouts, type Core } from '@agentpay/core';
import type { Logger } from '@agentpay/http';
import { report } from './startJobs.js';

const EVERY_MS = 1_000;
const MOST_AT_ONCE = 20;

/** Works payouts that are due, every second. */
export function workPayouts(core: Core, log: Logger): { stop(): Promise<void> } {
  const job = 'payouts.work';
  let stopped = false;
  let running: Promise<void> = Promise.resolve();
  let cancel = core.clock.timer(EVERY_MS, run, { background: true });

  function run(): void {
    running = payouts
      .work(core, { limit: MOST_AT_ONCE })
      .then(
        (done) => report(job, done, log),
        (error: unknown) => log.error({ job, err: error }, 'job failed'),
      )
      .then(() => {
        if (!stopped) cancel = core.clock.timer(EVERY_MS, run, { background: true });
      });
  }

  return {
    async stop() {
      stopped = true;
      cancel();
      await running;
    },
  };
}
