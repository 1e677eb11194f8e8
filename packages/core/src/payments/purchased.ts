import type { Scene } from '../batch/index.js';
import type { Core } from '../Core.js';
import { paymentCompleted, paymentConfirmed, paymentFailed, paymentInitiated, tell } from './events.js';
import { newPayment, transition } from './Payment.js';
import type { Payment, PaymentStep } from './Payment.js';
import { paymentRows } from './PaymentStore.js';

/** Records the payment of a purchase, whose money the caller has reserved and will move. */
export function openPurchaseIn(
  core: Core,
  scene: Scene,
  {
    payee,
    ...of
  }: Pick<Payment, 'payerId' | 'payerWalletId' | 'amount' | 'currency' | 'rail'> & {
    payee: string;
    holdId: string;
  },
): Payment {
  const payment = newPayment(core, {
    ...of,
    payeeExternal: payee,
    fee: 0n,
    feeMode: 'on_top',
    status: 'authorized',
    createdAt: new Date(core.clock.now()),
  });
  scene.insert(paymentRows, payment);
  tell(core, scene, paymentInitiated, payment);
  return payment;
}

/** The proof of a purchase was made. */
export function submitPurchaseIn(scene: Scene, paymentId: string): void {
  change(scene, paymentId, 'submit', {});
}

/** The money of a purchase moved on its chain. */
export function completePurchaseIn(core: Core, scene: Scene, paymentId: string, reference: string): void {
  const done = change(scene, paymentId, 'complete', {
    reference,
    completedAt: new Date(core.clock.now()),
  });
  tell(core, scene, paymentConfirmed, done);
  tell(core, scene, paymentCompleted, done);
}

/** The money of a purchase was not moved, and is free again. */
export function failPurchaseIn(core: Core, scene: Scene, paymentId: string, failure: string): void {
  tell(core, scene, paymentFailed, change(scene, paymentId, 'fail', { failure }));
}

function change(scene: Scene, paymentId: string, step: PaymentStep, to: Partial<Payment>): Payment {
  const payment = scene.find(paymentRows, paymentId) as Payment;
  const status = transition(payment.status, step) as Payment['status'];
  return scene.update(paymentRows, payment, { ...to, status });
}
