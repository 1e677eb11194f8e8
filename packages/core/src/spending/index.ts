export { giveBack, reserve } from './operations.js';
export type { Spending } from './operations.js';
