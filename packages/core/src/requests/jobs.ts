import type { Job } from '../Job.js';
import { purge } from './operations.js';

const BATCH = 10_000;
const MAX_BATCHES = 100;

export const jobs: readonly Job[] = [
  {
    name: 'requests.purge',
    cron: '7 * * * *',
    timeoutSeconds: 300,
    async run(core) {
      let purged = 0;
      for (let n = 0; n < MAX_BATCHES; n++) {
        const batch = await purge(core, { limit: BATCH });
        purged += batch;
        if (batch < BATCH) break;
      }
      return { done: { purged }, failures: [] };
    },
  },
];
