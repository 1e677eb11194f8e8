export type { Agent } from './Agent.js';
export type { AgentKeys } from './operations.js';
export { create, get, list, rotateKeys } from './operations.js';
