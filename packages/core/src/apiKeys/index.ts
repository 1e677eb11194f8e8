export type { UserKey } from './UserKey.js';
export { create, isKey, list, revoke } from './operations.js';
