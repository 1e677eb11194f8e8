import type { Job } from '../Job.js';
import { payMonthly } from './payouts.js';

export const jobs: readonly Job[] = [
  // Every day, so that whoever the first of the month passed over is paid on the next day.
  { name: 'developers.payout', cron: '11 3 * * *', timeoutSeconds: 900, run: payMonthly },
];
