export { allow, allowWants, captureIn, giveBackIn, policyDenied, reserveIn, wantsOf } from './operations.js';
export type { Spending, PastSpending } from './operations.js';
