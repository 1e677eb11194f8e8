import { AgentPayError, isId } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import type { Principal } from '../identity/index.js';
import { cursorOf, page, placeIn } from '../Page.js';
import { newPayment } from './Payment.js';
import type { Payment } from './Payment.js';
import * as store from './PaymentStore.js';
import type { PaymentFilter, PaymentPosition } from './PaymentStore.js';

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

/** A page of payments: where the next one begins, null on the last one. */
export interface PaymentPage {
  readonly payments: readonly Payment[];
  readonly total: number;
  readonly nextCursor: string | null;
}

/**
 * Payments the caller made or received, newest first: by offset, or after a cursor.
 * @throws AgentPayError `invalid_request` for a page outside the limits or a cursor that is none
 */
export async function list(
  core: Core,
  request: PaymentFilter & {
    principal: Principal;
    limit?: number | undefined;
    offset?: number | undefined;
    /** As a page before gave it; empty: the first page. */
    cursor?: string | undefined;
  },
): Promise<PaymentPage> {
  const { principal, cursor, ...filter } = request;
  const { limit, offset } = page(request);
  const after = cursor === undefined ? undefined : placeOf(cursor);
  // One more than wanted tells whether there is a next page.
  const wanted = { limit: limit + 1, offset: cursor === undefined ? offset : 0, after };
  const found = await store.selectOwned(core.db, principal.party.id, filter, wanted);
  const payments = found.slice(0, limit);
  const last = payments.at(-1);
  return {
    payments,
    total: await store.countOwned(core.db, principal.party.id, filter),
    nextCursor: found.length > limit && last ? cursorOf([last.createdAt.getTime(), last.id]) : null,
  };
}

function placeOf(cursor: string): PaymentPosition | undefined {
  const place = placeIn(cursor, ['time', 'text']) as [number, string] | undefined;
  return place && { createdAt: new Date(place[0]), id: place[1] };
}
