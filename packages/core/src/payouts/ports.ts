import type { Amount } from '@agentpay/primitives';
import type { Vault } from '../vault/index.js';
import type { Destination, DestinationType, Payout } from './Payout.js';

/** What a connector says of a payout. `unknown`: it may have happened; it is asked again under the same id. */
export type PayoutOutcome =
  | { readonly status: 'processing' | 'completed'; readonly reference: string }
  | { readonly status: 'failed'; readonly reason: string }
  | { readonly status: 'unknown' };

/** What has become of money that had arrived. */
export type PayoutFate =
  | { readonly status: 'arrived' | 'unknown' }
  | { readonly status: 'returned'; readonly reason: string };

/** How money comes back that had arrived, as an account was closed or a transfer reversed. */
export interface PayoutReturns {
  /** For so long after its arrival. */
  readonly days: number;
  /** Whether it has. Pays nothing. */
  ask(payout: Payout, destination: Destination): Promise<PayoutFate>;
}

/** A way for payouts to leave. */
export interface PayoutConnector {
  /** Account of the ledger that the money leaves by: that of a bank, a custody wallet, or the faucet of play money. */
  readonly account: string;
  /** Days until the money is there, as a rule. */
  readonly days: number;
  /** Whether it can pay so much there. @throws AgentPayError `invalid_request`, `invalid_amount` */
  accepts(destination: Destination, amount: Amount): void;
  /** Pays, once per id of the payout however often it is called, and says how far that is. */
  submit(payout: Payout, destination: Destination): Promise<PayoutOutcome>;
  /** Absent: what has arrived stays there. */
  readonly returns?: PayoutReturns | undefined;
}

export interface PayoutPorts {
  readonly vault: Vault;
  /** Those that are not configured are absent. */
  readonly payouts: Readonly<Partial<Record<DestinationType, PayoutConnector>>>;
}
