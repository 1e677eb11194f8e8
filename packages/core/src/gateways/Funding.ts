import { journalSteps } from '../ledger/index.js';
import type { Amount } from '@agentpay/primitives';

/** Money on its way to a gateway, or that has arrived. */
export interface GatewayFunding {
  readonly id: string;
  readonly gatewayId: string;
  readonly walletId: string;
  readonly amount: Amount;
  readonly source: 'stripe' | 'x402';
  readonly status: FundingStatus;
  /** What the source calls it: a payment intent, a payment on a chain. Unique. */
  readonly reference: string | null;
  readonly failure: string | null;
  readonly createdAt: Date;
  readonly endedAt: Date | null;
}

const table = {
  processing: { succeed: 'settled', fail: 'failed' },
  settled: {},
  // A card that was declined may be tried again; what was charged is there, whichever news comes first.
  failed: { succeed: 'settled' },
} as const;

export type FundingStatus = keyof typeof table;

/** Where news of the source lead; undefined: nowhere. */
export function stepOf(status: FundingStatus, news: 'succeed' | 'fail'): FundingStatus | undefined {
  return (table[status] as Partial<Record<typeof news, FundingStatus>>)[news];
}

const books = journalSteps('request', 'again', 'charged', 'failed');

/** Under which the books have one step of its money. */
export const journalKey = books.key;

/** Under which the books have its money. */
export const fundingKeys = ({ id }: Pick<GatewayFunding, 'id'>): string[] => books.keys(id);
