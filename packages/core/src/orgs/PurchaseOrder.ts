import type { Amount } from '@agentpay/primitives';

/** What an organization has agreed to be invoiced for, at most. */
export interface PurchaseOrder {
  /** `po_...` */
  readonly id: string;
  readonly orgId: string;
  readonly amount: Amount;
  /** Invoiced under it so far. */
  readonly drawn: Amount;
  readonly memo: string;
  readonly createdAt: Date;
}

/** `open` until nothing is left of it. */
export type PurchaseOrderStatus = 'open' | 'exhausted';

export function purchaseOrderStatus({
  amount,
  drawn,
}: Pick<PurchaseOrder, 'amount' | 'drawn'>): PurchaseOrderStatus {
  return drawn < amount ? 'open' : 'exhausted';
}
