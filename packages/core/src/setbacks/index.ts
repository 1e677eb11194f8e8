export { clear, note, whoseTurn } from './SetbackStore.js';
export type { Turn } from './SetbackStore.js';
