export type { LoggedRequest } from './LoggedRequest.js';
export { about, get, keep, list } from './operations.js';
