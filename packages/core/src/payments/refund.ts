import { AgentPayError, isId, newId } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';
import { recordIn } from '../audit/index.js';
import type { Scene } from '../batch/index.js';
import type { Core } from '../Core.js';
import type { Principal } from '../identity/index.js';
import { balances, movements, postIn } from '../ledger/index.js';
import { checkOptionalText } from '../text.js';
import { paymentRefunded, tell } from './events.js';
import { payeeAccount, transition } from './Payment.js';
import type { Payment } from './Payment.js';
import { paymentRows } from './PaymentStore.js';
import { externalRails, railOf } from './ports.js';
import type { Refund } from './PaymentRefund.js';
import { refundRows } from './RefundStore.js';

/** What is to be given back, and how. */
interface Wanted {
  /** Everything that is left when absent. */
  readonly amount?: Amount | undefined;
  readonly reason: string | null;
  /** An address that the rail pays, in place of the wallet of the payer. */
  readonly toExternal?: string | undefined;
  /** Whether the platform pays what the payee cannot: a decision against the payee. */
  readonly short?: boolean;
}

/**
 * Gives money of a completed payment back to its payer, whole or in part; the fee stays with the platform. The payee gives it, or the
 * operator of the platform on its behalf. Without an amount everything that is left is given back, and once nothing is left the same
 * call again changes nothing. What another rail has to bring back is pending until that rail says what became of it.
 * @throws AgentPayError `payment_not_found`, `forbidden` for the payer, `payment_wrong_state`, `invalid_amount` above what is left,
 * `invalid_request` for an address that the rail cannot pay, `settlement_not_configured`, `insufficient_funds` when the payee has less
 */
export function refund(
  core: Core,
  request: {
    principal: Principal;
    paymentId: string;
    amount?: Amount | undefined;
    reason?: string | undefined;
    toExternal?: string | undefined;
  },
): Promise<Payment> {
  const { principal, paymentId, amount, toExternal } = request;
  const reason = checkOptionalText('description', request.reason);
  checkOptionalText('externalPayee', toExternal);
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
      const after = refundIn(core, scene, payment, { amount, reason, toExternal });
      if (principal.party.kind === 'platform' && after !== payment)
        note(core, scene, principal, payment, after);
      return after;
    },
  });
}

/** The operator gave money back on the payee's behalf. */
function note(core: Core, scene: Scene, principal: Principal, was: Payment, is: Payment): void {
  const [before, after] = [was, is].map(({ status, refunded, refunding }) => ({
    status,
    refunded,
    refunding,
  }));
  const tenants = [was.payerId, was.payeeId];
  recordIn(core, scene, { principal, act: 'payment.refund', subject: was.id, tenants, before, after });
}

/** {@link refund} inside a batch, without asking who wants it. */
export function refundIn(core: Core, scene: Scene, payment: Payment, wanted: Wanted): Payment {
  const { amount } = wanted;
  const left = payment.amount - payment.refunded - payment.refunding;
  if (left === 0n && amount === undefined) return payment;
  if (transition(payment.status, 'refund') === undefined)
    throw new AgentPayError('payment_wrong_state', `The payment is ${payment.status}.`, {
      reason: payment.status,
    });
  const given = amount ?? left;
  if (given > left)
    throw new AgentPayError('invalid_amount', 'That is more than is left of the payment.', {
      param: 'amount',
    });
  const { reason, short = false, toExternal } = wanted;
  const refund: Refund = {
    id: newId('refund', core),
    paymentId: payment.id,
    amount: given,
    reason,
    status: 'pending',
    toExternal: toExternal ?? null,
    short,
    claimed: 0n,
    collected: 0n,
    reference: null,
    proof: null,
    failure: null,
    nextAttemptAt: null,
    attempts: 0,
    createdAt: new Date(core.clock.now()),
  };
  return isOnBooks(payment)
    ? refundOnBooks(core, scene, payment, refund)
    : refundByRail(core, scene, payment, refund);
}

/** Whether the payee has an account in the books of the platform. */
function isOnBooks({ rail, payeeWalletId }: Payment): boolean {
  return rail === 'internal' || payeeWalletId !== null;
}

function refundOnBooks(core: Core, scene: Scene, payment: Payment, refund: Refund): Payment {
  if (refund.toExternal !== null)
    throw new AgentPayError('invalid_request', 'This payment goes back to the wallet that it came from.', {
      param: 'toExternal',
    });
  const payee = payeeAccount(payment);
  const { amount, short } = refund;
  const has = scene.find(balances, payee, payment.currency)?.amount ?? 0n;
  if (has < amount && !short)
    throw new AgentPayError('insufficient_funds', 'The payee has less money available than that.');
  return completeIn(core, scene, payment, refund, { payee, covered: has < amount ? has : amount });
}

/** The rail brings the money back, or sends it to an address; from a rail that does not, nothing can be had. */
function refundByRail(core: Core, scene: Scene, payment: Payment, refund: Refund): Payment {
  if (!(externalRails as readonly string[]).includes(payment.rail))
    throw new AgentPayError('payment_wrong_state', 'A payment by this rail is given back by its payee.', {
      reason: 'not_refundable',
    });
  const rail = railOf(core, payment.rail);
  rail.acceptsRefund(refund);
  if (refund.toExternal === null && !rail.bringsBack)
    return completeIn(core, scene, payment, refund, { payee: rail.account, covered: 0n });
  scene.insert(refundRows, { ...refund, nextAttemptAt: refund.createdAt });
  return scene.update(paymentRows, payment, { refunding: payment.refunding + refund.amount });
}

/**
 * The wallet of the payer gets the money: from the payee what is covered, and from the platform the rest, which becomes a claim on the
 * payee.
 */
function completeIn(
  core: Core,
  scene: Scene,
  payment: Payment,
  refund: Refund,
  { payee, covered }: { payee: string; covered: Amount },
): Payment {
  const { payerWalletId: walletId, currency: asset } = payment;
  const { amount } = refund;
  const postings = movements.refundShort({ payee, walletId, asset, amount, covered });
  postIn(core, scene, { key: refund.id, kind: 'payment.refund', postings });
  scene.insert(refundRows, { ...refund, status: 'completed', claimed: amount - covered });
  return refundedIn(core, scene, payment, amount);
}

/** The payment after so much of it went back. */
export function refundedIn(
  core: Core,
  scene: Scene,
  payment: Payment,
  amount: Amount,
  { refunding = payment.refunding }: Partial<Pick<Payment, 'refunding'>> = {},
): Payment {
  const refunded = payment.refunded + amount;
  const whole = refunded === payment.amount ? transition(payment.status, 'refund') : undefined;
  const status = whole ?? payment.status;
  const changed = scene.update(paymentRows, payment, { refunded, refunding, status });
  tell(core, scene, paymentRefunded, changed);
  return changed;
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
