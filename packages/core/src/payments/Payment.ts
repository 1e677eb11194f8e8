import { newId } from '@agentpay/primitives';
import type { Amount, Clock, Random } from '@agentpay/primitives';
import type { FeeMode } from '../fees.js';
import { available, external } from '../ledger/index.js';

/** Money that goes from a wallet to somebody, by whatever rail. */
export interface Payment {
  /** `tx_...` */
  readonly id: string;
  /** How it is paid: "internal", "x402" (a payment token), "base-usdc", "stripe". */
  readonly rail: string;
  readonly payerId: string;
  readonly payerWalletId: string;
  /** The party that is paid; null for somebody who is not on the platform, who has a label instead. */
  readonly payeeId: string | null;
  readonly payeeWalletId: string | null;
  readonly payeeExternal: string | null;
  /** What the payee is to have, or the gross that the fee is taken from, in base units. */
  readonly amount: Amount;
  readonly fee: Amount;
  readonly feeMode: FeeMode;
  readonly currency: string;
  readonly status: PaymentStatus;
  readonly description: string | null;
  readonly serviceId: string | null;
  /** Reserved money of a payment that takes its time. */
  readonly holdId: string | null;
  readonly idempotencyKey: string | null;
  /** What the rail calls it: a transaction hash, a payment intent. */
  readonly reference: string | null;
  /** What the rail needs to try again without paying twice; made before anything is sent. */
  readonly proof: Readonly<Record<string, unknown>> | null;
  /** Why it failed, snake_case. */
  readonly failure: string | null;
  /** Given back to the payer so far. */
  readonly refunded: Amount;
  /** Under way back to the payer by another rail. */
  readonly refunding: Amount;
  /** When its rail is to be asked next; null when nothing is left to do. */
  readonly nextAttemptAt: Date | null;
  readonly attempts: number;
  readonly createdAt: Date;
  readonly completedAt: Date | null;
}

/** What a payment always has from the beginning. */
type Begun = Pick<
  Payment,
  'rail' | 'payerId' | 'payerWalletId' | 'amount' | 'fee' | 'feeMode' | 'currency' | 'status' | 'createdAt'
>;

type Later = 'id' | 'refunded' | 'refunding' | 'attempts';

/** A payment of which nothing is known but what is given. */
export function newPayment(
  source: { clock: Clock; random: Random },
  given: Begun & Partial<Omit<Payment, Later>>,
): Payment {
  return {
    id: newId('transaction', source),
    rail: given.rail,
    payerId: given.payerId,
    payerWalletId: given.payerWalletId,
    payeeId: given.payeeId ?? null,
    payeeWalletId: given.payeeWalletId ?? null,
    payeeExternal: given.payeeExternal ?? null,
    amount: given.amount,
    fee: given.fee,
    feeMode: given.feeMode,
    currency: given.currency,
    status: given.status,
    description: given.description ?? null,
    serviceId: given.serviceId ?? null,
    holdId: given.holdId ?? null,
    idempotencyKey: given.idempotencyKey ?? null,
    reference: given.reference ?? null,
    proof: given.proof ?? null,
    failure: given.failure ?? null,
    refunded: 0n,
    refunding: 0n,
    nextAttemptAt: given.nextAttemptAt ?? null,
    attempts: 0,
    createdAt: given.createdAt,
    completedAt: given.completedAt ?? null,
  };
}

/** Under which the books have a payment that was made in one step. */
export const completeKey = (paymentId: string): string => `${paymentId}:complete`;

const table = {
  pending: { authorize: 'authorized', fail: 'failed', expire: 'expired' },
  authorized: {
    submit: 'submitted',
    settle: 'settling',
    complete: 'completed',
    fail: 'failed',
    expire: 'expired',
  },
  submitted: { settle: 'settling', complete: 'completed', fail: 'failed' },
  settling: { complete: 'completed', fail: 'failed' },
  completed: { refund: 'refunded' },
  failed: {},
  refunded: {},
  expired: {},
} as const;

export type PaymentStatus = keyof typeof table;
export type PaymentStep = 'authorize' | 'submit' | 'settle' | 'complete' | 'fail' | 'expire' | 'refund';

/** The state an event leads to; undefined when it has no place there. */
export function transition(status: PaymentStatus, event: PaymentStep): PaymentStatus | undefined {
  return (table[status] as Partial<Record<PaymentStep, PaymentStatus>>)[event];
}

/** Whether nothing more happens to it by itself. */
export function isOver(status: PaymentStatus): boolean {
  return !['pending', 'authorized', 'submitted', 'settling'].includes(status);
}

/** All names by which a rule may know the payee: its party first. */
export function payeeNames({ payeeId, payeeWalletId, payeeExternal }: Payment): string[] {
  return [payeeId, payeeWalletId, payeeExternal].filter((name) => name !== null);
}

/** The account of the payee in the books of the platform. */
export function payeeAccount({ payeeWalletId, payeeExternal }: Payment): string {
  return payeeWalletId === null ? external(payeeExternal ?? '') : available(payeeWalletId);
}

/** What leaves the payer's wallet. */
export function totalDebited({ amount, fee, feeMode }: Pick<Payment, 'amount' | 'fee' | 'feeMode'>): Amount {
  return feeMode === 'on_top' ? amount + fee : amount;
}
