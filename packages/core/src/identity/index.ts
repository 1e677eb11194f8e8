export { credentialKinds, hashSecret } from './Credential.js';
export type { Credential, CredentialKind, StoredCredentialKind } from './Credential.js';
export {
  authenticate,
  endAll,
  findSecret,
  isKnown,
  issue,
  liveOf,
  purge,
  replace,
  revoke,
  rotate,
} from './operations.js';
export type { Issued } from './operations.js';
export { requireParty } from './Principal.js';
export type { Principal } from './Principal.js';
