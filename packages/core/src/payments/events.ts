import { formatDecimal } from '@agentpay/primitives';
import { z } from 'zod';
import type { Scene } from '../batch/index.js';
import type { Core } from '../Core.js';
import { emitIn, eventType } from '../events/index.js';
import type { EventType } from '../events/index.js';
import { totalDebited } from './Payment.js';
import type { Payment } from './Payment.js';

const text = z.string();
const payment = {
  id: text,
  payment_id: text,
  status: text,
  rail: text,
  amount: text,
  fee: text,
  total_debited: text,
  refunded_amount: text,
  refunding_amount: text,
  currency: text,
  from_wallet_id: text,
  to_wallet_id: text.nullable(),
  to_external: text.nullable(),
  description: text.nullable(),
  reference: text.nullable(),
  failure: text.nullable(),
  /** Of a call that was paid by token. */
  token_id: text.optional(),
  service_id: text.optional(),
  consumer_id: text.optional(),
  provider_id: text.optional(),
};

/** A payment that takes its time was recorded. */
export const paymentInitiated = eventType('payment.initiated', payment);
/** A payment arrived. */
export const paymentCompleted = eventType('payment.completed', payment);
/** A payment by a rail of its own was confirmed there. */
export const paymentConfirmed = eventType('payment.confirmed', payment);
export const paymentFailed = eventType('payment.failed', payment);
/** Money of a payment was given back, whole or in part. */
export const paymentRefunded = eventType('payment.refunded', payment);
/** A rail could not give money of a payment back; it can be asked for again. */
export const paymentRefundFailed = eventType('payment.refund_failed', payment);

/** A payee for whom the platform had given money back has paid it, or a part of it. */
export const claimCollected = eventType('payment.claim_collected', {
  payment_id: text,
  refund_id: text,
  wallet_id: text,
  amount: text,
  /** What is still owed. */
  open_amount: text,
  currency: text,
});

/** What every event about a payment tells. */
export function paymentObject(of: Payment) {
  return {
    id: of.id,
    payment_id: of.id,
    status: of.status,
    rail: of.rail,
    amount: formatDecimal(of.amount),
    fee: formatDecimal(of.fee),
    total_debited: formatDecimal(totalDebited(of)),
    refunded_amount: formatDecimal(of.refunded),
    refunding_amount: formatDecimal(of.refunding),
    currency: of.currency,
    from_wallet_id: of.payerWalletId,
    to_wallet_id: of.payeeWalletId,
    to_external: of.payeeExternal,
    description: of.description,
    reference: of.reference,
    failure: of.failure,
  };
}

export function tell(core: Core, scene: Scene, type: EventType<string, typeof payment>, of: Payment): void {
  emitIn(core, scene, type, { subject: of.id, audience: audienceOf(of), object: paymentObject(of) });
}

/** Who is told of a payment. */
function audienceOf({ payerId, payeeId }: Payment): { id: string }[] {
  return payeeId === null ? [{ id: payerId }] : [{ id: payerId }, { id: payeeId }];
}
