import type { Amount } from '@agentpay/primitives';
import { attemptDue } from '../attempts.js';
import type { Scene, Want } from '../batch/index.js';
import type { Core } from '../Core.js';
import { feeOn } from '../fees.js';
import type { JobReport } from '../Job.js';
import { available, balances, movements, postIn } from '../ledger/index.js';
import { journalKey } from './Agreement.js';
import type { Agreement } from './Agreement.js';
import { forgetCapIn } from './allow.js';
import { completeIn, moveIn, wantsOf } from './operations.js';
import * as store from './AgreementStore.js';

/** How long a settlement waits for calls that are still under way. */
const LOOK_AGAIN_MS = 500;

/** Moves the agreements that are due: expiry, the end of the term, settlement after the challenge window. */
export async function work(core: Core, { limit }: { limit: number }): Promise<JobReport> {
  const { done, failures } = await attemptDue(core, {
    job: 'agreements.work',
    limit,
    due: store.dueRows,
    attempt: ({ id }) => advance(core, id),
  });
  return { done: { moved: done }, failures };
}

async function advance(core: Core, id: string): Promise<void> {
  const known = await store.agreements.find(core.db, { id });
  if (!known) return;
  await core.batch.run({
    wants: [...wantsOf(known), ...settleWants(known)],
    lane: id,
    decide(scene) {
      const agreement = scene.find(store.agreementRows, id) as Agreement;
      const { dueAt, status } = agreement;
      // Somebody moved it meanwhile.
      if (dueAt === null || dueAt.getTime() > core.clock.now()) return;
      if (status === 'active') completeIn(core, scene, agreement);
      else if (status === 'challenge_window') settleIn(core, scene, agreement, agreement.used);
      else {
        moveIn(core, scene, agreement, 'expire');
        forgetCapIn(scene, agreement, agreement.cap);
      }
    },
  });
}

/** The rows that a settlement asks for beside those of every move. */
export function settleWants({ sellerWalletId, currency }: Agreement): Want[] {
  return [[balances, [available(sellerWalletId), currency]]];
}

/** The seller is paid `paid` of what was used, and the buyer gets the rest of the cap back. Calls under way are waited for. */
export function settleIn(core: Core, scene: Scene, agreement: Agreement, paid: Amount): Agreement {
  if (agreement.reserved > 0n) {
    const dueAt = new Date(core.clock.now() + LOOK_AGAIN_MS);
    return scene.update(store.agreementRows, agreement, { dueAt });
  }
  if (agreement.funding === 'onchain') {
    // From here on the amount stands, and the job asks the escrow for it until it is paid.
    const dueAt = new Date(core.clock.now());
    return moveIn(core, scene, agreement, 'settle', { paid, dueAt, attempts: 0 });
  }
  const settling = moveIn(core, scene, agreement, 'settle', { paid });
  const { id, sellerWalletId, buyerWalletId, currency: asset, cap } = agreement;
  postIn(core, scene, {
    key: journalKey(id, 'settle'),
    kind: 'agreement.settle',
    postings: movements.escrowSettled({
      agreementId: id,
      seller: available(sellerWalletId),
      buyer: available(buyerWalletId),
      asset,
      amount: paid,
      cap,
      fee: feeOn(paid, core.settings.fees.agreement),
    }),
  });
  forgetCapIn(scene, agreement, cap - paid);
  return moveIn(core, scene, settling, 'pay');
}
