import type { Core } from '../Core.js';
import type { JobReport } from '../Job.js';
import { holds, movements } from '../ledger/index.js';
import type { Scene, Want } from '../batch/index.js';
import { attemptAll, backOffMs, claimDue } from '../attempts.js';
import { allowWants, captureIn, giveBackIn } from '../spending/index.js';
import { paymentCompleted, paymentConfirmed, paymentFailed, tell } from './events.js';
import { isOver, payeeNames, transition } from './Payment.js';
import type { Payment, PaymentStep } from './Payment.js';
import { paymentRows, payments } from './PaymentStore.js';
import { railOf } from './ports.js';
import type { Rail, RailStatus } from './Rail.js';

const MAX_WAIT_MS = 5 * 60 * 1000;

/**
 * Takes payments by other rails on, one attempt each of those that are due. What pays is made and kept before it is sent; afterwards the
 * same is sent again until the rail says that the money arrived or that it never will. One that could not be sent in its time expires; one
 * whose rail has not said for long what became of it is given up: the rail has to make sure that it is not paid any more, and until it
 * says so the money stays where it is. An instance that dies leaves its payments to another one.
 */
export async function progress(core: Core, { limit }: { limit: number }): Promise<JobReport> {
  const claimed = await claimDue(core, payments, { limit });
  const { done, failures } = await attemptAll(claimed, (payment) => attempt(core, payment));
  return { done: { payments: done }, failures };
}

async function attempt(core: Core, claimed: Payment): Promise<void> {
  const { ttlMs, giveUpMs } = core.settings.payments;
  const ageMs = core.clock.now() - claimed.createdAt.getTime();
  if (claimed.status === 'authorized' && ageMs >= ttlMs) return expire(core, claimed);
  const rail = railOf(core, claimed.rail);
  const payment = claimed.status === 'authorized' ? await submit(core, claimed, rail) : claimed;
  if (!payment) return;
  const ask = payment !== claimed ? 'submit' : ageMs >= giveUpMs ? 'fail' : 'settle';
  const said = await rail[ask](payment).catch((): RailStatus => ({ status: 'unknown' }));
  await write(core, payment, said, rail);
}

/** Nothing was sent, and nothing will be: whoever is about to send it finds it expired, as it is kept before. */
function expire(core: Core, claimed: Payment): Promise<void> {
  return core.batch.run({
    wants: wantsOf(claimed),
    lane: claimed.id,
    decide(scene) {
      const payment = scene.find(paymentRows, claimed.id) as Payment;
      if (payment.attempts !== claimed.attempts || transition(payment.status, 'expire') === undefined) return;
      release(core, scene, payment, { step: 'expire', failure: 'not_sent_in_time' });
    },
  });
}

/** Keeps the proof before anything is sent. */
async function submit(core: Core, payment: Payment, rail: Rail): Promise<Payment | undefined> {
  const proof = payment.proof ?? (await rail.authorize(payment));
  return core.batch.run({
    wants: [[paymentRows, [payment.id]]],
    lane: payment.id,
    decide(scene) {
      const kept = scene.find(paymentRows, payment.id) as Payment;
      const status = transition(kept.status, 'submit');
      if (status === undefined || kept.attempts !== payment.attempts) return undefined;
      return scene.update(paymentRows, kept, { status, proof });
    },
  });
}

/** The rows by which a payment ends. */
function wantsOf({ id, holdId, payerId }: Payment): Want[] {
  return [[paymentRows, [id]], [holds, [holdId as string]], ...allowWants(payerId)];
}

function write(core: Core, worked: Payment, said: RailStatus, rail: Rail): Promise<void> {
  return core.batch.run({
    wants: wantsOf(worked),
    lane: worked.id,
    decide(scene) {
      const payment = scene.find(paymentRows, worked.id) as Payment;
      if (payment.attempts !== worked.attempts || isOver(payment.status)) return;
      if (said.status === 'completed') return complete(core, scene, payment, said.reference, rail);
      if (said.status === 'failed')
        return release(core, scene, payment, { step: 'fail', failure: said.reason });
      const waitMs = backOffMs(payment.attempts, MAX_WAIT_MS);
      const settling = said.status === 'settling' ? transition(payment.status, 'settle') : undefined;
      scene.update(paymentRows, payment, {
        status: settling ?? payment.status,
        reference: said.status === 'settling' ? said.reference : payment.reference,
        nextAttemptAt: new Date(core.clock.now() + waitMs),
      });
    },
  });
}

function complete(core: Core, scene: Scene, payment: Payment, reference: string, rail: Rail): void {
  const { holdId, amount, fee } = payment;
  captureIn(core, scene, {
    holdId: holdId as string,
    reason: 'settle',
    postings: ({ walletId, asset }) =>
      movements.settleOnTop({ walletId, payee: rail.account, asset, amount, fee }),
  });
  const done = end(core, scene, payment, 'complete', { reference });
  tell(core, scene, paymentConfirmed, done);
  tell(core, scene, paymentCompleted, done);
}

/** Its money and its share of the limits return. */
function release(
  core: Core,
  scene: Scene,
  payment: Payment,
  { step, failure }: { step: 'fail' | 'expire'; failure: string },
): void {
  const { payerId: payer, amount, createdAt: at } = payment;
  giveBackIn(core, scene, {
    holdId: payment.holdId as string,
    reason: step,
    spent: { payer, payee: payeeNames(payment), amount, at },
  });
  tell(core, scene, paymentFailed, end(core, scene, payment, step, { failure }));
}

function end(
  core: Core,
  scene: Scene,
  payment: Payment,
  step: PaymentStep,
  change: Partial<Pick<Payment, 'reference' | 'failure'>>,
): Payment {
  const status = transition(payment.status, step) as Payment['status'];
  const completedAt = status === 'completed' ? new Date(core.clock.now()) : null;
  return scene.update(paymentRows, payment, { ...change, status, completedAt, nextAttemptAt: null });
}
