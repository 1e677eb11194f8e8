import type { Job } from '../Job.js';
import { collectClaims } from './claims.js';

export const jobs: readonly Job[] = [
  { name: 'payments.claims', cron: '* * * * *', timeoutSeconds: 50, run: collectClaims },
];
