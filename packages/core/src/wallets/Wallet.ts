import type { Amount } from '@agentpay/primitives';

/** A place where a party keeps money of one currency. The money itself is in the ledger. */
export interface Wallet {
  readonly id: string;
  /** The party whose money it is. */
  readonly ownerId: string;
  readonly currency: string;
  readonly createdAt: Date;
}

/** Currency of a wallet whose money is on a chain: the asset and the network, so that it is never taken for that of another wallet. */
export function chainCurrency(symbol: string, network: string): string {
  return `${symbol}@${network}`;
}

/** Whether the wallet's money is on a chain, where the books can only follow it. */
export function isOnChain({ currency }: Pick<Wallet, 'currency'>): boolean {
  return currency.includes('@');
}

/** What a wallet holds, in micro-units. `balance` is the sum of the other two. */
export interface Balance {
  readonly walletId: string;
  readonly currency: string;
  readonly available: Amount;
  /** Reserved by open holds. */
  readonly held: Amount;
  readonly balance: Amount;
}

/** Play money given to a wallet. */
export interface Funding {
  /** `tx_...` */
  readonly id: string;
  readonly walletId: string;
  readonly amount: Amount;
  readonly source: string;
  readonly idempotencyKey: string | null;
  readonly createdAt: Date;
}
