import type { Core } from '../Core.js';
import { history } from '../events/index.js';
import type { Event } from '../events/index.js';
import type { Principal } from '../identity/index.js';
import { closeKey, journalsOf, openKey } from '../ledger/index.js';
import type { Journal } from '../ledger/index.js';
import { get } from './operations.js';
import { completeKey } from './Payment.js';
import type { Payment } from './Payment.js';
import { selectRefunds } from './RefundStore.js';

/** A payment with what the books have of it and what was told of it. */
export interface PaymentTrace {
  readonly payment: Payment;
  /** Oldest first: the reservation and its end, or the payment in one step; then refunds. Those of a payment token are under the token. */
  readonly journals: readonly Journal[];
  /** Oldest first, those that concern the caller. */
  readonly events: readonly Event[];
}

/** @throws AgentPayError `payment_not_found`, as `get` */
export async function trace(
  core: Core,
  request: { principal: Principal; paymentId: string },
): Promise<PaymentTrace> {
  const payment = await get(core, request);
  const { id, holdId } = payment;
  const refunds = await selectRefunds(core.db, id);
  const ofHold = holdId === null ? [] : [openKey(holdId), closeKey(holdId)];
  const keys = [completeKey(id), ...ofHold, ...refunds.map((refund) => refund.id)];
  const journals = await journalsOf(core.db, { keys });
  const told = await history(core.db, { subject: id });
  const { party } = request.principal;
  return { payment, journals, events: told.filter(({ audience }) => audience.includes(party.id)) };
}
