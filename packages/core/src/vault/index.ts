export { createVault } from './Vault.js';
export { reseal } from './reseal.js';
export type { Resealed, SealedColumn } from './reseal.js';
export type { Vault, VaultKey } from './Vault.js';
