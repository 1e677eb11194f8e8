import { journalSteps } from '../ledger/index.js';
import type { Amount } from '@agentpay/primitives';

/** One thing that is charged. */
export interface Line {
  readonly desc: string;
  readonly amount: Amount;
}

/** What a customer owes. Never changed once it is made, but for whether it is still owed. */
export interface Invoice {
  /** `inv_...` */
  readonly id: string;
  /** The developer or the organization that owes it. */
  readonly customerId: string;
  readonly subscriptionId: string | null;
  readonly purchaseOrderId: string | null;
  /** The sum of its lines. */
  readonly amount: Amount;
  readonly lines: readonly Line[];
  /** Developers who share what a bundle costs; empty: it is the platform's. */
  readonly sellers: readonly string[];
  readonly status: InvoiceStatus;
  readonly dueAt: Date;
  /** Whether it was still open when it was due. */
  readonly overdue: boolean;
  /** Whether a dispute about it is undecided; it does not become overdue then. */
  readonly disputed: boolean;
  /** What the operator wrote when it was paid outside. */
  readonly note: string | null;
  /** Where the money came from; null until it is paid. */
  readonly paidFrom: 'balance' | 'outside' | null;
  readonly createdAt: Date;
  /** When it was paid or became void. */
  readonly endedAt: Date | null;
}

const table = {
  open: { pay: 'paid', void: 'void' },
  paid: { refund: 'void' },
  void: {},
} as const;

export type InvoiceStatus = keyof typeof table;
export type InvoiceStep = 'pay' | 'void' | 'refund';

/** The state that a step leads to; undefined when it has no place there. */
export function invoiceAfter(status: InvoiceStatus, step: InvoiceStep): InvoiceStatus | undefined {
  return (table[status] as Partial<Record<InvoiceStep, InvoiceStatus>>)[step];
}

export function sumOf(lines: readonly Line[]): Amount {
  return lines.reduce((sum, { amount }) => sum + amount, 0n);
}

/** What a customer has paid, line by line. */
export interface PaidReceipt {
  /** `rcpt_...` */
  readonly id: string;
  readonly customerId: string;
  /** The gateway that completed an authorization. */
  readonly gatewayId: string | null;
  /** The developer who was paid. */
  readonly sellerId: string | null;
  readonly invoiceId: string | null;
  readonly authorizationId: string | null;
  readonly amount: Amount;
  readonly lines: readonly Line[];
  readonly createdAt: Date;
}

const books = journalSteps('paid', 'refund');

/** Under which the books have one step of its money. */
export const journalKey = books.key;

/** Under which the books have its money. */
export const journalKeys = ({ id }: Pick<Invoice, 'id'>): string[] => books.keys(id);
