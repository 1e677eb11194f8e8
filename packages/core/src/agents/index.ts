export type { Agent } from './Agent.js';
export type { AgentKeys } from './operations.js';
export { controlsOf, createRule, removeRule, setAllowList, setLimits, updateRule } from './controls.js';
export type { AgentControls, AgentLimits } from './controls.js';
export { policiesOf, setPolicies } from './policies.js';
export type { AgentPolicies } from './policies.js';
export type { OfOwned } from './owned.js';
export {
  actFor,
  approverOf,
  archive,
  assertActive,
  issueKey,
  listOwned,
  overseen,
  owned,
  ownerOf,
  ownKeys,
  partiesOf,
  revokeKey,
} from './owned.js';
export { create, get, list, rotateKeys } from './operations.js';
