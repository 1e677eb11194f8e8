import { AgentPayError, isId } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import type { Principal } from '../identity/index.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { newPayment } from './Payment.js';
import type { Payment } from './Payment.js';
import * as store from './PaymentStore.js';
import type { PaymentFilter } from './PaymentStore.js';

/** A call that was paid by token. */
export type PaidCall = Pick<
  Payment,
  'payerId' | 'payerWalletId' | 'amount' | 'fee' | 'currency' | 'serviceId' | 'createdAt'
> & { readonly payeeId: string; readonly payeeWalletId: string };

/** The payment of a call whose money the caller moves. */
export function paidCall(core: Core, call: PaidCall): Payment {
  const { payerId, payerWalletId, payeeId, payeeWalletId, amount, fee, currency, serviceId, createdAt } =
    call;
  return newPayment(core, {
    rail: 'x402',
    payerId,
    payerWalletId,
    payeeId,
    payeeWalletId,
    amount,
    fee,
    feeMode: 'from_gross',
    currency,
    status: 'completed',
    serviceId,
    createdAt,
    completedAt: new Date(core.clock.now()),
  });
}

/**
 * A payment the caller made or received; any payment for the operator of the platform.
 * @throws AgentPayError `payment_not_found`
 */
export async function get(
  core: Core,
  { principal, paymentId }: { principal: Principal; paymentId: string },
): Promise<Payment> {
  const { party } = principal;
  const payment = isId('transaction', paymentId)
    ? await store.payments.find(core.db, { id: paymentId })
    : undefined;
  const concerned = payment && (payment.payerId === party.id || payment.payeeId === party.id);
  if (!payment || !(concerned || party.kind === 'platform'))
    throw new AgentPayError('payment_not_found', 'You have no payment with this id.');
  return payment;
}

/**
 * Payments the caller made or received, newest first.
 * @throws AgentPayError `invalid_request` for a page outside the limits or a cursor that is none
 */
export async function list(
  core: Core,
  request: PaymentFilter & { principal: Principal } & PageRequest,
): Promise<{ payments: Payment[] } & Counted> {
  const partyId = request.principal.party.id;
  const { rows, ...counted } = await store.pageOwned(core.db, partyId, request, page(request));
  return { payments: rows, ...counted };
}
