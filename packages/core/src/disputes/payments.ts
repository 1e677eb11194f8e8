import type { Scene } from '../batch/index.js';
import type { Core } from '../Core.js';
import type { Principal } from '../identity/index.js';
import { paymentRows, refundIn } from '../payments/index.js';
import type { Payment } from '../payments/index.js';
import { idOfPayment, refundIn as refundTokenIn, tokenRows } from '../tokens/index.js';
import type { Dispute, DisputeEvent } from './Dispute.js';
import * as store from './DisputeStore.js';
import { moveIn } from './moveIn.js';
import { stepOf } from './step.js';

/** What happens to a dispute about a payment; a refund gives back what is left of it and ends the token that it was made by. */
export async function moveOnPayment(
  core: Core,
  request: {
    principal: Principal;
    disputeId: string;
    paymentId: string;
    event: DisputeEvent;
    note: string | null;
  },
): Promise<Dispute> {
  const { principal, disputeId, paymentId, event, note } = request;
  const tokenId = event === 'refund' ? await idOfPayment(core.db, { paymentId }) : undefined;
  return core.batch.run({
    wants: [
      [store.disputeRows, [disputeId]],
      [paymentRows, [paymentId]],
      ...(tokenId === undefined ? [] : [[tokenRows, [tokenId]] as const]),
    ],
    lane: disputeId,
    decide(scene) {
      const dispute = scene.find(store.disputeRows, disputeId) as Dispute;
      const status = stepOf(dispute, event, principal);
      if (status === undefined) return dispute;
      if (event === 'refund') giveBack(core, scene, { paymentId, tokenId });
      const noted = { before: { status: dispute.status, note: dispute.note }, after: { status, note } };
      return moveIn(core, scene, dispute, { principal, event, status, note, noted });
    },
  });
}

/** A payment that was given back whole meanwhile needs no more money; the decision against its token stands all the same. */
function giveBack(
  core: Core,
  scene: Scene,
  { paymentId, tokenId }: { paymentId: string; tokenId: string | undefined },
): void {
  refundIn(core, scene, scene.find(paymentRows, paymentId) as Payment, { reason: 'dispute', short: true });
  if (tokenId !== undefined) refundTokenIn(core, scene, { tokenId });
}
