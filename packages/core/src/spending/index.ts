export { isAllowed } from './Allowed.js';
export type { Allowed } from './Allowed.js';
export {
  allow,
  allowIn,
  allowWants,
  captureIn,
  forgetIn,
  giveBackIn,
  policyDenied,
  reserveIn,
  wantsOf,
} from './operations.js';
export type { Spending, PastSpending } from './Spending.js';
