import { byBatches } from '../byBatches.js';
import type { Job } from '../Job.js';
import { purge } from './operations.js';

const BATCH = 10_000;

export const jobs: readonly Job[] = [
  {
    name: 'requests.purge',
    cron: '7 * * * *',
    timeoutSeconds: 300,
    async run(core) {
      const purged = await byBatches(BATCH, (limit) => purge(core, { limit }));
      return { done: { purged }, failures: [] };
    },
  },
];
