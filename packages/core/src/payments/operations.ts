import { AgentPayError, isId, newId } from '@agentpay/primitives';
import type { Tx } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { page } from '../Page.js';
import type { Payment } from './Payment.js';
import * as store from './PaymentStore.js';

/** Writes down a payment whose money the caller's transaction has moved. */
export async function recordCompleted(
  core: Core,
  tx: Tx,
  details: Omit<Payment, 'id' | 'status' | 'completedAt'>,
): Promise<Payment> {
  const payment: Payment = {
    ...details,
    id: newId('transaction', core),
    status: 'completed',
    completedAt: new Date(core.clock.now()),
  };
  await store.insertPayment(tx, payment);
  return payment;
}

/**
 * A payment the caller made or received.
 * @throws AgentPayError `payment_not_found`
 */
export async function get(
  core: Core,
  { principal, paymentId }: { principal: Principal; paymentId: string },
): Promise<Payment> {
  const agentId = requireParty(principal, 'agent');
  const payment = isId('transaction', paymentId) ? await store.findPayment(core.db, paymentId) : undefined;
  if (!payment || (payment.payerId !== agentId && payment.payeeId !== agentId)) {
    throw new AgentPayError('payment_not_found', 'You have no payment with this id.');
  }
  return payment;
}

/** Payments the caller made or received, newest first. @throws AgentPayError `invalid_request` for a page outside the limits */
export async function list(
  core: Core,
  request: { principal: Principal; limit?: number | undefined; offset?: number | undefined },
): Promise<Payment[]> {
  return store.selectOwned(core.db, requireParty(request.principal, 'agent'), page(request));
}
