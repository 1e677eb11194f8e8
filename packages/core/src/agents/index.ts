export type { Agent } from './Agent.js';
export { create, get, list, rotateKeys } from './operations.js';
