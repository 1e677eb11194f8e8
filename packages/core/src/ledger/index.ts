export { available, FAUCET, held, REVENUE_PAYMENT } from './Account.js';
export type { Hold, HoldState } from './Hold.js';
export type { Journal, Posting } from './Journal.js';
export { accountTotal, captureHold, openHold, post, releaseHold, walletMoney } from './operations.js';
export { verifyLedger } from './verifyLedger.js';
export type { Difference } from './verifyLedger.js';
