import type { Job } from '../Job.js';
import { settleLeft } from './chainFundings.js';
import { collectDue } from './fundings.js';
import { endLeft } from './run.js';

const BATCH = 500;

export const jobs: readonly Job[] = [
  {
    name: 'gateways.left',
    cron: '* * * * *',
    timeoutSeconds: 60,
    run: (core) => endLeft(core, { limit: BATCH }),
  },
  {
    name: 'gateways.fundings',
    cron: '* * * * *',
    timeoutSeconds: 60,
    run: (core) => collectDue(core, { limit: 50 }),
  },
  {
    name: 'gateways.chain',
    cron: '* * * * *',
    timeoutSeconds: 120,
    run: (core) => settleLeft(core, { limit: 20 }),
  },
];
