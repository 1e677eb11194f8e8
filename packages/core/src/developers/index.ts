export type { Developer, DeveloperStatus } from './Developer.js';
export { developerRows } from './DeveloperStore.js';
export { earnedIn, earnIn, earnWants } from './Earnings.js';
export type { MonthEarnings } from './Earnings.js';
export { approve, get, list, register, rotateKey, self, suspend } from './operations.js';
export { earnings, listPayouts, payMonthly, payout, setPayoutAccount } from './payouts.js';
