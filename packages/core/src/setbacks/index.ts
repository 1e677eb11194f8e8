export { clear, inTurn, note } from './SetbackStore.js';
export type { Turn } from './SetbackStore.js';
