import { purge } from '../identity/index.js';
import type { Job } from '../Job.js';

/** Ended sessions are of no use a day later. */
const KEPT_MS = 24 * 60 * 60 * 1000;

export const jobs: readonly Job[] = [
  {
    name: 'users.purge',
    cron: '41 * * * *',
    timeoutSeconds: 60,
    async run(core) {
      const before = new Date(core.clock.now() - KEPT_MS);
      const purged = await purge(core.db, { kind: 'session', before });
      return { done: { purged }, failures: [] };
    },
  },
];
