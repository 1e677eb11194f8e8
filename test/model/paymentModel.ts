import type { payments } from '@agentpay/core';
import { treated, type AtRail, type Behaviour } from './scriptedRail.js';

// The model: a payment, its way through the states, and who has how much.

export const CLAIM_MS = 120_000;
export const MAX_WAIT_MS = 300_000;
export const TTL_MS = 400_000;
export const GIVE_UP_MS = 600_000;

export type To = 'payee' | 'outside' | 'rail';

export interface Order {
  readonly to: To;
  readonly amount: bigint;
  readonly key?: string | undefined;
}
export interface ModelPayment extends Order {
  readonly id: string;
  readonly at: number;
  readonly fee: bigint;
  status: payments.PaymentStatus;
  refunded: bigint;
  attempts: number;
  /** When the rail is asked next. */
  next: number | null;
  atRail: AtRail;
  events: string[];
}
/** The rail was asked by an instance that has heard nothing yet. */
interface Unanswered {
  readonly payment: ModelPayment;
  readonly attempts: number;
}
export interface Model {
  now: number;
  payer: bigint;
  held: bigint;
  payee: bigint;
  outside: bigint;
  revenue: bigint;
  /** `unable`: it makes no orders; `gone`: it is not configured any more. */
  rail: RailState;
  payments: ModelPayment[];
  unanswered: Unanswered[];
}

export const railStates = ['works', 'unable', 'gone'] as const;
export type RailState = (typeof railStates)[number];

export const feeOn = (amount: bigint) => (amount * 4n + 500n) / 1_000n;
export const dueIn = (model: Model) =>
  model.payments.filter(({ next }) => next !== null && next <= model.now);

/** It is too late to send a payment: its money is free. */
function expire(model: Model, payment: ModelPayment): void {
  payment.status = 'expired';
  payment.next = null;
  model.held -= payment.amount + payment.fee;
  model.payer += payment.amount + payment.fee;
  payment.events.push('payment.failed');
}

/** What the platform makes of what it hears from the rail, be it nothing. */
export function hear(model: Model, payment: ModelPayment, heard: AtRail): void {
  const total = payment.amount + payment.fee;
  if (heard === 'paid' || heard === 'refused') {
    payment.status = heard === 'paid' ? 'completed' : 'failed';
    payment.next = null;
    model.held -= total;
    if (heard === 'paid') model.revenue += payment.fee;
    else model.payer += total;
    payment.events.push(
      ...(heard === 'paid' ? ['payment.confirmed', 'payment.completed'] : ['payment.failed']),
    );
    return;
  }
  if (heard === 'settling') payment.status = 'settling';
  payment.next = model.now + Math.min(MAX_WAIT_MS, 1_000 * 2 ** (payment.attempts - 1));
}

export function book(model: Model, id: string, order: Order): void {
  const fee = feeOn(order.amount);
  const byRail = order.to === 'rail';
  model.payer -= order.amount + fee;
  if (byRail) model.held += order.amount + fee;
  else {
    model[order.to as 'payee' | 'outside'] += order.amount;
    model.revenue += fee;
  }
  model.payments.push({
    ...order,
    id,
    at: model.now,
    fee,
    status: byRail ? 'authorized' : 'completed',
    refunded: 0n,
    attempts: 0,
    next: byRail ? model.now : null,
    atRail: 'unsent',
    events: [byRail ? 'payment.initiated' : 'payment.completed'],
  });
}

/** The kind of error that a refund is refused with. */
export function refusalOf(
  model: Model,
  payment: ModelPayment,
  amount: bigint | undefined,
): string | undefined {
  if (payment.status === 'refunded' && amount === undefined) return undefined;
  if (payment.status !== 'completed') return 'payment_wrong_state';
  const left = payment.amount - payment.refunded;
  if ((amount ?? left) > left) return 'invalid_amount';
  return model[payment.to as 'payee' | 'outside'] < (amount ?? left) ? 'insufficient_funds' : undefined;
}

/** What the rail is asked about one payment. */
interface Asked {
  readonly payment: ModelPayment;
  readonly behaviour: Behaviour;
  /** Whether it is to make sure that the payment is not made any more. */
  readonly givenUp: boolean;
}

/** Claims what is due, and has the rail treat it as the script says. Gives what the rail was asked about, and what it could not be. */
export function ask(
  model: Model,
  script: readonly Behaviour[],
): { readonly asked: readonly Asked[]; readonly failed: readonly ModelPayment[] } {
  const [asked, failed]: [Asked[], ModelPayment[]] = [[], []];
  for (const [n, payment] of dueIn(model).entries()) {
    const age = model.now - payment.at;
    const isNew = payment.status === 'authorized';
    payment.attempts++;
    if (isNew && age >= TTL_MS) expire(model, payment);
    else if (model.rail === 'gone' || (model.rail === 'unable' && isNew)) {
      payment.next = model.now + CLAIM_MS;
      failed.push(payment);
    } else {
      const behaviour = script[n % script.length] as Behaviour;
      const givenUp = !isNew && age >= GIVE_UP_MS;
      payment.atRail = treated(payment.atRail, behaviour, givenUp);
      if (isNew) payment.status = 'submitted';
      asked.push({ payment, behaviour, givenUp });
    }
  }
  return { asked, failed };
}
