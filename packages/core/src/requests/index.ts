export type { LoggedRequest } from './LoggedRequest.js';
export { get, keep, list, makerOf } from './operations.js';
