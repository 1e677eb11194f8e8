export type { CredentialKind } from './Credential.js';
export { authenticate, issueKeys, revokeKeys } from './operations.js';
export type { AgentKeys } from './operations.js';
export { requireAdmin, requireAgent } from './Principal.js';
export type { AdminPrincipal, AgentPrincipal, Principal } from './Principal.js';
