export type { KeptRequest } from './KeptRequest.js';
export { get, keep, list, makerOf } from './operations.js';
