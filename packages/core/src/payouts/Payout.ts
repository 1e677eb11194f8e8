import { createHmac } from 'node:crypto';
import type { Amount } from '@agentpay/primitives';
import { journalSteps, keysOfHold } from '../ledger/index.js';

/** Money that leaves the platform for its owner. */
export interface Payout {
  /** `payout_...` */
  readonly id: string;
  readonly ownerId: string;
  readonly walletId: string;
  readonly amount: Amount;
  readonly currency: string;
  readonly destinationType: DestinationType;
  /** Sealed; the fields of {@link Destination}. */
  readonly destination: string;
  /** What of it may be shown. */
  readonly shown: Readonly<Record<string, string>>;
  readonly description: string | null;
  /** The same key and request again give this payout. */
  readonly idempotencyKey: string | null;
  readonly status: PayoutStatus;
  /** Keeps the money until the payout is handed to its connector. */
  readonly holdId: string;
  /** What the connector calls it: a transaction hash, a transfer. */
  readonly reference: string | null;
  /** Account of the ledger that the money left by; null until it has arrived. */
  readonly account: string | null;
  /** Why it failed or came back, snake_case. */
  readonly failure: string | null;
  readonly attempts: number;
  /** When the connector is asked next; null when nothing is left to do. */
  readonly nextAt: Date | null;
  /** Until then one instance works on it. */
  readonly claimedUntil: Date | null;
  readonly estimatedArrival: Date;
  readonly createdAt: Date;
  /** When it arrived, failed, was taken back, or came back. */
  readonly endedAt: Date | null;
}

export const destinationTypes = ['bank', 'crypto', 'stripe'] as const;
export type DestinationType = (typeof destinationTypes)[number];

/** Where the money goes, by the type of the destination. */
export type Destination =
  | {
      readonly type: 'bank';
      readonly routingNumber: string;
      readonly accountNumber: string;
      readonly accountType: 'checking' | 'savings';
      readonly accountHolder: string;
    }
  | { readonly type: 'crypto'; readonly address: string; readonly network: string }
  | { readonly type: 'stripe'; readonly accountId: string };

const table = {
  pending: { process: 'processing', cancel: 'canceled', fail: 'failed' },
  processing: { complete: 'completed', fail: 'failed' },
  completed: { return: 'returned' },
  returned: {},
  failed: {},
  canceled: {},
} as const;

export type PayoutStatus = keyof typeof table;
export type PayoutStep = 'process' | 'complete' | 'fail' | 'cancel' | 'return';

export const payoutStatuses = Object.keys(table) as readonly PayoutStatus[];

/** Where a step leads; undefined when it has no place there. */
export function stepOf(status: PayoutStatus, step: PayoutStep): PayoutStatus | undefined {
  return (table[status] as Partial<Record<PayoutStep, PayoutStatus>>)[step];
}

/** What of a destination its owner is shown: enough to know it again, not enough to use it. */
export function shownOf(destination: Destination): Record<string, string> {
  switch (destination.type) {
    case 'bank':
      return {
        routing_number: masked(destination.routingNumber),
        account_number: masked(destination.accountNumber),
        account_type: destination.accountType,
        account_holder: destination.accountHolder,
      };
    case 'crypto':
      return { address: destination.address, network: destination.network };
    case 'stripe':
      return { account_id: masked(destination.accountId) };
  }
}

/**
 * How whoever approves a payout is told the destination: as it may be shown, and with a mark that tells it from all others, as two accounts
 * may end in the same digits. @param key of the marks; without it nobody finds the account by trying
 */
export function approvedPayee(destination: Destination, key: string): string {
  const shown = Object.values(shownOf(destination)).join(' ');
  const mark = createHmac('sha256', key).update(JSON.stringify(Object.entries(destination).sort()));
  return `payout:${destination.type} ${shown} #${mark.digest('hex').slice(0, 16)}`;
}

function masked(text: string): string {
  return `****${text.slice(-4)}`;
}

const books = journalSteps('confirm', 'fail', 'return');

/** Under which the books have that it has arrived, that its connector did not send it, or that it came back after it had arrived. */
export const journalKey = books.key;

/** Under which the books have its money. */
export function journalKeys({ id, holdId }: Pick<Payout, 'id' | 'holdId'>): string[] {
  return [...keysOfHold(holdId), ...books.keys(id)];
}
