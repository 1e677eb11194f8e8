export { create, find, lock } from './operations.js';
export { platform } from './Party.js';
export type { Party, PartyKind } from './Party.js';
