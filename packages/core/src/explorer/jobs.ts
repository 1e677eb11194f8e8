import type { Job } from '../Job.js';
import { deleteExpired } from './ExplorerStore.js';

export const jobs: readonly Job[] = [
  {
    name: 'explorer.purge',
    cron: '37 * * * *',
    timeoutSeconds: 60,
    async run(core) {
      const purged = await deleteExpired(core.db, new Date(core.clock.now()));
      return { done: { purged }, failures: [] };
    },
  },
];
