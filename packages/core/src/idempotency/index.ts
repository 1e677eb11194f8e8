export type { IdempotencyClaim, RepeatableRequest, StoredResponse } from './Claim.js';
export { digestOf } from './Claim.js';
export { claim, finish, once, purge, release } from './operations.js';
