export {
  authorize,
  callAccepted,
  callCompleted,
  callFailed,
  callStarted,
  cancel,
  get,
  verify,
} from './operations.js';
export type { TokenAuthorization } from './operations.js';
export { rebuildTracker } from './rebuildTracker.js';
export { idOfPayment, refundIn } from './refund.js';
export { sweep, sweepTracked } from './sweep.js';
export type { Swept } from './sweep.js';
export type { Token, TokenState } from './Token.js';
export { tokenRows } from './TokenStore.js';
export type { TokenClaims, TokenCodec } from './ports.js';
export { watchDeadlines } from './deadlines.js';
export type { Watch } from './deadlines.js';
export { slaReport } from './slaReport.js';
export type { SlaReport } from './slaReport.js';
