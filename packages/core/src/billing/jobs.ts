import type { Job } from '../Job.js';
import { checkAlerts } from './alerts.js';
import { expireAuthorizations } from './authorizations.js';
import { markSpending } from './forecast.js';
import { noteOverdue } from './pastDue.js';
import { renew } from './renew.js';

export const jobs: readonly Job[] = [
  { name: 'billing.renew', cron: '*/5 * * * *', timeoutSeconds: 240, run: renew },
  { name: 'billing.overdue', cron: '*/5 * * * *', timeoutSeconds: 240, run: noteOverdue },
  { name: 'billing.alerts', cron: '* * * * *', timeoutSeconds: 50, run: checkAlerts },
  { name: 'billing.expire', cron: '* * * * *', timeoutSeconds: 50, run: expireAuthorizations },
  { name: 'billing.marks', cron: '11 0 * * *', timeoutSeconds: 600, run: markSpending },
];
