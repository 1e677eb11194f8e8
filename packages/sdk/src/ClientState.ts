import type { Budget } from './Budget.js';
import type { ClientSettings } from './options.js';
import type { Purchases } from './Purchase.js';

/** What the steps of a purchase share. */
export interface ClientState {
  readonly settings: ClientSettings;
  readonly budget: Budget;
  readonly purchases: Purchases;
}
