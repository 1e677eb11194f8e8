import type { Amount } from '@agentpay/primitives';

/** What gateways hold and pay in. */
export const GATEWAY_CURRENCY = 'USDC';

/** A program that calls agents of the marketplace for its users and pays them by the call. */
export interface Gateway {
  readonly id: string;
  readonly name: string;
  readonly walletId: string;
  /** The organization whose rules and contracts hold for its calls. */
  readonly orgId: string | null;
  readonly callbackUrl: string | null;
  /** Made for an address that paid without a key; its name is that address. */
  readonly keyless: boolean;
  readonly createdAt: Date;
}

/** How much a gateway may spend on one listing: counted anew by each provision. */
export interface Quota {
  readonly gatewayId: string;
  readonly listingId: string;
  readonly provisionId: string;
  readonly quota: Amount;
  /** Spent, or reserved by calls under way. */
  readonly used: Amount;
}

/** What a gateway spent on calls that were completed in a month. */
export interface MonthUsage {
  readonly gatewayId: string;
  /** "2026-05" */
  readonly month: string;
  readonly amount: Amount;
  readonly calls: bigint;
}
