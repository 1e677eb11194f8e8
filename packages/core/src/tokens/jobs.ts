import type { Job } from '../Job.js';
import { inBatches, sweep } from './sweep.js';

export const jobs: readonly Job[] = [
  {
    /** Finds in the database what the tracker missed, so that losing it loses no refund. */
    name: 'sla.cleanup',
    cron: '* * * * *',
    timeoutSeconds: 300,
    run: (core) => inBatches(core, sweep),
  },
];
