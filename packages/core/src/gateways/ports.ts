import type { GatewayFunding } from './Funding.js';

/** What a card processor says when it is asked to collect money. `unknown`: it is asked again under the same id. */
export type CollectionOutcome =
  | { readonly status: 'open'; readonly reference: string; readonly clientSecret: string | null }
  | { readonly status: 'refused'; readonly reason: string }
  | { readonly status: 'unknown' };

/** A way for money to come from cards. */
export interface CardCollector {
  /** @throws AgentPayError `invalid_amount` for an amount that it cannot collect */
  accepts(amount: bigint): void;
  /** Asks for the money of a funding, once per id however often it is called; that it came is told by an event. */
  collect(funding: GatewayFunding): Promise<CollectionOutcome>;
}

/** What became of a payment on a chain; `unknown`: it is asked again. */
export type ChainOutcome =
  | { readonly status: 'settled' | 'unknown' }
  | { readonly status: 'failed'; readonly reason: string };

export interface GatewayPorts {
  /** Settles a payment that was noted, once however often it is called; absent where no chain is configured. */
  readonly settleChain?: ((payment: unknown) => Promise<ChainOutcome>) | undefined;
  /** Absent where no card processor is configured. */
  readonly cards?: CardCollector | undefined;
}
