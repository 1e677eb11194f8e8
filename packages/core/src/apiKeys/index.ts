export type { ApiKey } from './ApiKey.js';
export { create, isKey, list, revoke } from './operations.js';
