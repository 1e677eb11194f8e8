import type { FetchOut } from '@agentpay/primitives';
import type { Facilitator } from '@agentpay/protocol';

export interface PurchasePorts {
  /** Calls of sellers. */
  readonly sellers: { readonly fetchOut: FetchOut };
  /** Settles payments that callers hand to sellers themselves; undefined: not configured. */
  readonly facilitator: Facilitator | undefined;
}
