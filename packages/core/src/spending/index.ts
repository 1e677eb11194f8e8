export {
  allow,
  allowWants,
  captureIn,
  giveBack,
  giveBackIn,
  policyDenied,
  reserve,
  reserveIn,
  wantsOf,
} from './operations.js';
export type { Spending, PastSpending } from './operations.js';
