export { createVault } from './Vault.js';
export type { Vault, VaultKey } from './Vault.js';
