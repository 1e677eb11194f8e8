export {
  allow,
  captureIn,
  giveBack,
  giveBackIn,
  policyDenied,
  reserve,
  reserveIn,
  wantsOf,
} from './operations.js';
export type { Spending, Spent } from './operations.js';
