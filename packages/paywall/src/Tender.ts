import type { Asset, Network } from '@agentpay/primitives';
import type { Address, Facilitator } from '@agentpay/protocol';

/** One way for a seller to be paid: which token, to whom, and who moves it. */
export interface Tender {
  readonly network: Network;
  readonly asset: Asset;
  readonly payTo: Address;
  readonly facilitator: Facilitator;
}
