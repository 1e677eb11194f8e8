import type { Job } from '../Job.js';
import { checkDueEndpoints } from './endpoints.js';
import { applyTrust } from './trust.js';

export const jobs: readonly Job[] = [
  {
    /** Debounces what calls do to the trust of their services. */
    name: 'marketplace.trust',
    cron: '* * * * *',
    timeoutSeconds: 120,
    run: applyTrust,
  },
  {
    name: 'marketplace.endpoints',
    cron: '* * * * *',
    timeoutSeconds: 120,
    run: checkDueEndpoints,
  },
];
