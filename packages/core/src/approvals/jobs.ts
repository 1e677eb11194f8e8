import type { Job } from '../Job.js';
import { expireDue } from './operations.js';

const BATCH = 100;

export const jobs: readonly Job[] = [
  {
    name: 'approvals.expire',
    cron: '* * * * *',
    timeoutSeconds: 60,
    run: (core) => expireDue(core, { limit: BATCH }),
  },
];
