import { byBatches } from '../byBatches.js';
import type { Job } from '../Job.js';
import { forget, wakeDecided } from './PurchaseStore.js';

const KEPT_MS = 24 * 60 * 60 * 1000;
const BATCH = 1_000;

export const jobs: readonly Job[] = [
  {
    /** What waited for an approval goes on or ends, whoever decided, and also when nobody did. */
    name: 'purchases.wake',
    cron: '* * * * *',
    timeoutSeconds: 60,
    async run(core) {
      const woken = await wakeDecided(core.db, { now: new Date(core.clock.now()), limit: BATCH });
      return { done: { woken }, failures: [] };
    },
  },
  {
    /** What was asked for, the proofs and the responses are kept for a day after the end. */
    name: 'purchases.forget',
    cron: '23 * * * *',
    timeoutSeconds: 300,
    async run(core) {
      const before = new Date(core.clock.now() - KEPT_MS);
      const forgotten = await byBatches(BATCH, (limit) => forget(core.db, { before, limit }));
      return { done: { forgotten }, failures: [] };
    },
  },
];
