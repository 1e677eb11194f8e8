import type { Amount } from '@agentpay/primitives';

/** Something that a customer pays for month after month: seats of a plan, or a bundle. */
export interface Subscription {
  /** `sub_...`, or `sub_bndl_...` */
  readonly id: string;
  readonly customerId: string;
  /** The name of an own plan, or `monthly` for a bundle. */
  readonly plan: string;
  readonly bundleId: string | null;
  readonly seatCount: number;
  /** Seats from the next period on, where they become fewer. */
  readonly nextSeatCount: number | null;
  /** Of one seat in a month. */
  readonly seatPrice: Amount;
  readonly purchaseOrderId: string | null;
  readonly status: SubscriptionStatus;
  /** Number of the running period, from 0. */
  readonly period: number;
  readonly periodEnd: Date;
  /** The first period began then. */
  readonly createdAt: Date;
  readonly canceledAt: Date | null;
}

const table = {
  active: { renew: 'active', overdue: 'past_due', cancel: 'canceled' },
  past_due: { paid: 'active', renew: 'canceled', cancel: 'canceled' },
  canceled: {},
} as const;

export type SubscriptionStatus = keyof typeof table;
export type SubscriptionStep = 'renew' | 'overdue' | 'paid' | 'cancel';

/** The state that a step leads to; undefined when it changes nothing. One that is not paid for is not renewed. */
export function subscriptionAfter(
  status: SubscriptionStatus,
  step: SubscriptionStep,
): SubscriptionStatus | undefined {
  return (table[status] as Partial<Record<SubscriptionStep, SubscriptionStatus>>)[step];
}
