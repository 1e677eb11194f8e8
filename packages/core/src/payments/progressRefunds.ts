import { attemptAll, backOffMs, claimDue } from '../attempts.js';
import type { Scene } from '../batch/index.js';
import type { Core } from '../Core.js';
import type { JobReport } from '../Job.js';
import { movements, postIn } from '../ledger/index.js';
import { paymentRefundFailed, tell } from './events.js';
import type { Payment } from './Payment.js';
import { paymentRows, payments } from './PaymentStore.js';
import { railOf } from './ports.js';
import type { Rail, RailStatus } from './Rail.js';
import { refundedIn } from './refund.js';
import type { Refund } from './PaymentRefund.js';
import { refundRows } from './RefundStore.js';

const MAX_WAIT_MS = 5 * 60 * 1000;

/**
 * Takes refunds by other rails on, one attempt each of those that are due. What sends the money is made and kept before it is sent;
 * afterwards the same is sent again until the rail says that it went back or that it never will.
 */
export async function progressRefunds(core: Core, { limit }: { limit: number }): Promise<JobReport> {
  const claimed = await claimDue(core, refundRows.table, { limit });
  const { done, failures } = await attemptAll(claimed, (refund) => attempt(core, refund));
  return { done: { refunds: done }, failures };
}

async function attempt(core: Core, claimed: Refund): Promise<void> {
  const payment = (await payments.find(core.db, { id: claimed.paymentId })) as Payment;
  const rail = railOf(core, payment.rail);
  const refund = claimed.proof ? claimed : await prepare(core, { payment, refund: claimed, rail });
  if (!refund) return;
  const said = await rail.refund(payment, refund).catch((): RailStatus => ({ status: 'unknown' }));
  await write(core, refund, said, rail);
}

/** Keeps the proof before anything is sent; undefined when another instance took the refund over. */
async function prepare(
  core: Core,
  { payment, refund, rail }: { payment: Payment; refund: Refund; rail: Rail },
): Promise<Refund | undefined> {
  const proof = await rail.authorizeRefund(payment, refund);
  return core.batch.run({
    wants: [[refundRows, [refund.id]]],
    lane: payment.id,
    decide(scene) {
      const kept = scene.find(refundRows, refund.id) as Refund;
      return isOurs(kept, refund) ? scene.update(refundRows, kept, { proof }) : undefined;
    },
  });
}

function write(core: Core, worked: Refund, said: RailStatus, rail: Rail): Promise<void> {
  return core.batch.run({
    wants: [
      [refundRows, [worked.id]],
      [paymentRows, [worked.paymentId]],
    ],
    lane: worked.paymentId,
    decide(scene) {
      const refund = scene.find(refundRows, worked.id) as Refund;
      if (!isOurs(refund, worked)) return;
      const payment = scene.find(paymentRows, refund.paymentId) as Payment;
      if (said.status === 'completed')
        return complete(core, scene, { payment, refund }, said.reference, rail);
      if (said.status === 'failed') return fail(core, scene, { payment, refund }, said.reason, rail);
      scene.update(refundRows, refund, {
        reference: said.status === 'settling' ? said.reference : refund.reference,
        nextAttemptAt: new Date(core.clock.now() + backOffMs(refund.attempts, MAX_WAIT_MS)),
      });
    },
  });
}

/** Whether nobody else has worked on it since it was claimed. */
function isOurs(kept: Refund, worked: Refund): boolean {
  return kept.status === 'pending' && kept.attempts === worked.attempts;
}

interface Case {
  readonly payment: Payment;
  readonly refund: Refund;
}

/** The money came back to where the payment left by, for the payer; or left again, to the address that was named. */
function complete(core: Core, scene: Scene, of: Case, reference: string, { account: payee }: Rail): void {
  const { payment, refund } = of;
  const { payerWalletId: walletId, currency: asset } = payment;
  const { id, amount } = refund;
  const postings =
    refund.toExternal === null
      ? movements.refund({ payee, walletId, asset, amount })
      : movements.refundSent({ from: payee, asset, amount });
  postIn(core, scene, { key: id, kind: 'payment.refund', postings });
  // What went to an address was the platform's: the payee still has the payment.
  const claimed = refund.toExternal === null ? 0n : amount;
  scene.update(refundRows, refund, { status: 'completed', reference, claimed, nextAttemptAt: null });
  refundedIn(core, scene, payment, amount, { refunding: payment.refunding - amount });
}

/** What was decided against the payee is paid by the platform; any other refund can be asked for again. */
function fail(core: Core, scene: Scene, of: Case, failure: string, { account: payee }: Rail): void {
  const { payment, refund } = of;
  const { id, amount, short } = refund;
  const refunding = payment.refunding - amount;
  scene.update(refundRows, refund, {
    status: short ? 'completed' : 'failed',
    claimed: short ? amount : 0n,
    failure,
    nextAttemptAt: null,
  });
  if (!short)
    return tell(core, scene, paymentRefundFailed, scene.update(paymentRows, payment, { refunding }));
  const { payerWalletId: walletId, currency: asset } = payment;
  const postings = movements.refundShort({ payee, walletId, asset, amount, covered: 0n });
  postIn(core, scene, { key: id, kind: 'payment.refund', postings });
  refundedIn(core, scene, payment, amount, { refunding });
}
