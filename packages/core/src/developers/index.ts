export type { Developer, DeveloperStatus } from './Developer.js';
export { approve, get, register, rotateKey, self, suspend } from './operations.js';
