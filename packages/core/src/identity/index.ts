export { credentialKinds, hashSecret } from './Credential.js';
export type { CredentialKind, StoredCredentialKind } from './Credential.js';
export { authenticate, endAll, issue, replace, rotate } from './operations.js';
export type { Issued } from './operations.js';
export { requireParty } from './Principal.js';
export type { Principal } from './Principal.js';
