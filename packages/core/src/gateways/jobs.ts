import type { Job } from '../Job.js';
import { endLeft } from './run.js';

const BATCH = 500;

export const jobs: readonly Job[] = [
  {
    name: 'gateways.left',
    cron: '* * * * *',
    timeoutSeconds: 60,
    run: (core) => endLeft(core, { limit: BATCH }),
  },
];
