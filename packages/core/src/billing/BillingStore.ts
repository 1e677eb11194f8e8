import type { Amount, Queryable } from '@agentpay/primitives';
import { table } from '../table.js';
import type { Invoice, Line, PaidReceipt } from './Invoice.js';
import type { Subscription } from './Subscription.js';

/** A line as JSON has it: the amount as digits. */
interface KeptLine {
  readonly desc: string;
  readonly amount: string;
}
type Kept<Row> = Omit<Row, 'lines'> & { readonly lines: readonly KeptLine[] };

export const invoices = table<Kept<Invoice>>('invoices', {
  id: 'text',
  customerId: 'text',
  subscriptionId: 'text',
  purchaseOrderId: 'text',
  amount: 'bigint',
  lines: 'jsonb',
  sellers: 'jsonb',
  status: 'text',
  dueAt: 'timestamptz',
  overdue: 'boolean',
  disputed: 'boolean',
  note: 'text',
  paidFrom: 'text',
  createdAt: 'timestamptz',
  endedAt: 'timestamptz',
});

export const receipts = table<Kept<PaidReceipt>>('receipts', {
  id: 'text',
  customerId: 'text',
  gatewayId: 'text',
  sellerId: 'text',
  invoiceId: 'text',
  authorizationId: 'text',
  amount: 'bigint',
  lines: 'jsonb',
  createdAt: 'timestamptz',
});

export const subscriptions = table<Subscription>('subscriptions', {
  id: 'text',
  customerId: 'text',
  plan: 'text',
  bundleId: 'text',
  seatCount: 'integer',
  nextSeatCount: 'integer',
  seatPrice: 'bigint',
  purchaseOrderId: 'text',
  status: 'text',
  period: 'integer',
  periodEnd: 'timestamptz',
  createdAt: 'timestamptz',
  canceledAt: 'timestamptz',
});

/** Money that the platform gave to an organization. */
export interface Grant {
  /** `gr_...` */
  readonly id: string;
  readonly orgId: string;
  readonly amount: Amount;
  readonly createdAt: Date;
}

export const grants = table<Grant>('grants', {
  id: 'text',
  orgId: 'text',
  amount: 'bigint',
  createdAt: 'timestamptz',
});

export const keptLines = (lines: readonly Line[]): KeptLine[] =>
  lines.map(({ desc, amount }) => ({ desc, amount: String(amount) }));

/** A row with its lines read. */
export function readLines<Row extends { readonly lines: readonly KeptLine[] }>(
  row: Row,
): Omit<Row, 'lines'> & { readonly lines: readonly Line[] } {
  return { ...row, lines: row.lines.map(({ desc, amount }) => ({ desc, amount: BigInt(amount) })) };
}

/** What is due at a moment, `$1`, by a condition on its id. */
interface Due {
  readonly now: Date;
  readonly isDue: string;
}

/** Locks the subscription whose period has been over for longest. */
export async function lockEnded(db: Queryable, { now, isDue }: Due): Promise<Subscription | undefined> {
  const [ended] = await subscriptions.select(
    db,
    `where status <> 'canceled' and period_end <= $1 and ${isDue}
     order by period_end, id limit 1 for update skip locked`,
    [now],
  );
  return ended;
}

/** Notes that the open invoice which is due for longest is overdue, and gives it. */
export async function takeOverdue(db: Queryable, { now, isDue }: Due): Promise<Kept<Invoice> | undefined> {
  const [taken] = await db.query<Kept<Invoice>>(
    `update invoices set overdue = true where id = (
       select id from invoices
       where status = 'open' and not overdue and not disputed and due_at <= $1 and ${isDue}
       order by due_at, id limit 1 for update skip locked
     ) returning ${invoices.columns}`,
    [now],
  );
  return taken;
}

/** Whether a subscription has an invoice that should have been paid. */
export async function hasOverdue(db: Queryable, subscriptionId: string): Promise<boolean> {
  const rows = await db.query(
    `select 1 from invoices where subscription_id = $1 and status = 'open' and overdue limit 1`,
    [subscriptionId],
  );
  return rows.length > 0;
}
