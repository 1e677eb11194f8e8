export { create, find } from './operations.js';
export { platform } from './Party.js';
export type { Party, PartyKind } from './Party.js';
