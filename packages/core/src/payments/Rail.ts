import type { RailMovement } from '../ledger/index.js';
import type { Payment } from './Payment.js';
import type { Refund } from './PaymentRefund.js';

/** What a rail says of a payment. `unknown`: it may have happened; the same proof is sent again. */
export type RailStatus =
  | { readonly status: 'settling'; readonly reference: string }
  | { readonly status: 'completed'; readonly reference: string }
  | { readonly status: 'failed'; readonly reason: string }
  | { readonly status: 'unknown' };

/** What a rail has moved of the platform's money. */
export interface RailStatement {
  /** Undefined when there is no way to look. */
  readonly movements?: readonly RailMovement[] | undefined;
}

/** A way for money to leave the platform. Every call may be repeated, and none pays twice under one proof. */
export interface Rail {
  /** Currency of the wallets that it pays from. */
  readonly currency: string;
  /** Account of the platform that the money leaves by. */
  readonly account: string;
  /**
   * Whether it can pay this payee and amount.
   * @throws AgentPayError `invalid_request` or `invalid_amount`
   */
  accepts(payment: Pick<Payment, 'payeeExternal' | 'amount'>): void;
  /** Makes what pays exactly once. It is kept before it is sent. */
  authorize(payment: Payment): Promise<Readonly<Record<string, unknown>>>;
  /** Sends the proof. */
  submit(payment: Payment): Promise<RailStatus>;
  /** Asks how far a submitted payment is. */
  settle(payment: Payment): Promise<RailStatus>;
  /** Makes sure that a payment which is given up can no longer be paid: `failed` when it cannot. */
  fail(payment: Payment): Promise<RailStatus>;
  /** Whether money of a payment can come back by it; one that cannot still sends money to an address that is named. */
  readonly bringsBack: boolean;
  /** Whether it can give so much back there. @throws AgentPayError `invalid_request` or `invalid_amount` */
  acceptsRefund(refund: Pick<Refund, 'amount' | 'toExternal'>): void;
  /** Makes what gives money of a completed payment back exactly once. It is kept before it is sent. */
  authorizeRefund(payment: Payment, refund: Refund): Promise<Readonly<Record<string, unknown>>>;
  /** Gives the money back by what was kept, or asks how far that is. */
  refund(payment: Payment, refund: Refund): Promise<RailStatus>;
  /** Shape of what it calls payments, refunds and payouts. */
  readonly references: RegExp;
  /**
   * What it has moved of the platform's money: those that are named, and others as far as it looks.
   * Rejects when it cannot be asked.
   */
  reconcile(moved: { readonly references: readonly string[]; readonly since: Date }): Promise<RailStatement>;
}
