import type { Hold } from '../ledger/index.js';
import type { Spending } from './Spending.js';

/** That the gate allowed a spending and reserved its money. Made by the gate alone; whatever signs asks for one. */
export interface Allowed {
  readonly spending: Spending;
  readonly hold: Hold;
}

const genuine = new WeakSet<Allowed>();

/** Of the gate alone. */
export function allowedBy(spending: Spending, hold: Hold): Allowed {
  const allowed = Object.freeze({ spending, hold });
  genuine.add(allowed);
  return allowed;
}

/** Whether the gate made it. */
export function isAllowed(allowed: Allowed): boolean {
  return genuine.has(allowed);
}
