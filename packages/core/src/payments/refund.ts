import { AgentPayError, isId, newId } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';
import type { Scene } from '../batch/index.js';
import type { Core } from '../Core.js';
import type { Principal } from '../identity/index.js';
import { balances, movements, postIn } from '../ledger/index.js';
import { checkOptionalText } from '../text.js';
import { paymentRefunded, tell } from './events.js';
import { payeeAccount, transition } from './Payment.js';
import type { Payment } from './Payment.js';
import { paymentRows, refunds } from './PaymentStore.js';

/**
 * Gives money of a completed payment back to its payer, whole or in part; the fee stays with the platform. The payee gives it, or the
 * operator of the platform on its behalf. Without an amount everything that is left is given back, and once nothing is left the same
 * call again changes nothing.
 * @throws AgentPayError `payment_not_found`, `forbidden` for the payer, `payment_wrong_state`, `invalid_amount` above what is left,
 * `insufficient_funds` when the payee has less
 */
export function refund(
  core: Core,
  request: {
    principal: Principal;
    paymentId: string;
    amount?: Amount | undefined;
    reason?: string | undefined;
  },
): Promise<Payment> {
  const { principal, paymentId, amount } = request;
  const reason = checkOptionalText('description', request.reason);
  if (!isId('transaction', paymentId)) return Promise.reject(notFound());
  if (amount !== undefined && amount <= 0n)
    return Promise.reject(
      new AgentPayError('invalid_amount', 'The amount must be above zero.', { param: 'amount' }),
    );
  return core.batch.run({
    wants: [[paymentRows, [paymentId]]],
    lane: paymentId,
    decide(scene) {
      const payment = scene.find(paymentRows, paymentId);
      if (!payment) throw notFound();
      assertMayRefund(principal, payment);
      return refundIn(core, scene, payment, { amount, reason });
    },
  });
}

/**
 * {@link refund} inside a batch, without asking who wants it.
 * @param options.short whether the platform pays what the payee cannot: a decision against the payee
 */
export function refundIn(
  core: Core,
  scene: Scene,
  payment: Payment,
  { amount, reason, short = false }: { amount?: Amount | undefined; reason: string | null; short?: boolean },
): Payment {
  if (payment.status === 'refunded' && amount === undefined) return payment;
  const whole = transition(payment.status, 'refund');
  if (whole === undefined)
    throw new AgentPayError('payment_wrong_state', `The payment is ${payment.status}.`, {
      reason: payment.status,
    });
  if (payment.payeeWalletId === null && payment.rail !== 'internal')
    throw new AgentPayError('payment_wrong_state', 'A payment by this rail is given back by its payee.', {
      reason: 'not_refundable',
    });
  const left = payment.amount - payment.refunded;
  const given = amount ?? left;
  if (given > left)
    throw new AgentPayError('invalid_amount', 'That is more than is left of the payment.', {
      param: 'amount',
    });
  move(core, scene, payment, { given, short, reason });
  const refunded = payment.refunded + given;
  const status = refunded === payment.amount ? whole : payment.status;
  const changed = scene.update(paymentRows, payment, { refunded, status });
  tell(core, scene, paymentRefunded, changed);
  return changed;
}

function move(
  core: Core,
  scene: Scene,
  payment: Payment,
  { given, short, reason }: { given: Amount; short: boolean; reason: string | null },
): void {
  const { payerWalletId: walletId, currency: asset } = payment;
  const payee = payeeAccount(payment);
  const has = scene.find(balances, payee, asset)?.amount ?? 0n;
  if (has < given && !short)
    throw new AgentPayError('insufficient_funds', 'The payee has less money available than that.');
  const covered = has < given ? has : given;
  const id = newId('refund', core);
  postIn(core, scene, {
    key: id,
    kind: 'payment.refund',
    postings: movements.refundShort({ payee, walletId, asset, amount: given, covered }),
  });
  scene.append(refunds, {
    id,
    paymentId: payment.id,
    amount: given,
    reason,
    createdAt: new Date(core.clock.now()),
  });
}

function assertMayRefund({ party }: Principal, payment: Payment): void {
  if (party.kind === 'platform' || party.id === payment.payeeId) return;
  if (party.id === payment.payerId)
    throw new AgentPayError('forbidden', 'Only the payee gives a payment back.');
  throw notFound();
}

function notFound(): AgentPayError {
  return new AgentPayError('payment_not_found', 'You have no payment with this id.');
}
