import { newId } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';
import { challengeIn, challengeWants, decideChallengeIn, get as getAgreement } from '../agreements/index.js';
import type { Agreement } from '../agreements/index.js';
import type { Core } from '../Core.js';
import type { Principal } from '../identity/index.js';
import { checkOptionalLines, checkText } from '../text.js';
import { isUndecided, opened } from './Dispute.js';
import type { Dispute, DisputeEvent } from './Dispute.js';
import { disputeOpened, tell } from './events.js';
import * as store from './DisputeStore.js';
import { moveIn } from './moveIn.js';
import { stepOf } from './step.js';

/**
 * Opens the one dispute about an agreement: its settlement waits for the decision. For its buyer, within the challenge window.
 * @throws AgentPayError `agreement_not_found`, `forbidden` for the seller, `agreement_wrong_state`
 */
export async function openOnAgreement(
  core: Core,
  request: { principal: Principal; agreementId: string; reason: string; description?: string | undefined },
): Promise<{ dispute: Dispute; agreement: Agreement }> {
  const { principal, agreementId } = request;
  const reason = checkText('reason', request.reason);
  const description = checkOptionalLines('description', request.description);
  const known = await getAgreement(core, { principal, agreementId });
  return core.batch.run({
    wants: challengeWants(known),
    lane: agreementId,
    decide(scene) {
      const agreement = challengeIn(core, scene, { principal, agreementId });
      const dispute: Dispute = {
        ...opened,
        id: newId('dispute', core),
        agreementId,
        openerId: agreement.buyerId,
        otherId: agreement.sellerId,
        reason,
        description,
        createdAt: new Date(core.clock.now()),
      };
      scene.insert(store.disputeRows, dispute);
      tell(core, scene, disputeOpened, dispute);
      return { dispute, agreement };
    },
  });
}

/**
 * What happens to a dispute about an agreement. Its end settles the agreement: `refund` gives the buyer back what was used, or the part of
 * it that is named; denied or withdrawn, the seller is paid for all of it.
 * @throws AgentPayError `agreement_wrong_state` while calls are under way, `invalid_amount` for more than was used
 */
export async function moveOnAgreement(
  core: Core,
  request: {
    principal: Principal;
    disputeId: string;
    agreementId: string;
    event: DisputeEvent;
    note: string | null;
    refundAmount: Amount | undefined;
  },
): Promise<Dispute> {
  const { principal, disputeId, agreementId, event, note, refundAmount } = request;
  const known = await getAgreement(core, { principal, agreementId });
  return core.batch.run({
    wants: [[store.disputeRows, [disputeId]], ...challengeWants(known)],
    lane: agreementId,
    decide(scene) {
      const dispute = scene.find(store.disputeRows, disputeId) as Dispute;
      const status = stepOf(dispute, event, principal);
      if (status === undefined) return dispute;
      const refund = event === 'refund' ? (refundAmount ?? 'all') : 0n;
      if (!isUndecided(status)) decideChallengeIn(core, scene, { agreementId, refund });
      const after = { status, note, refund: refund === 0n ? null : String(refund) };
      const noted = { before: { status: dispute.status }, after };
      return moveIn(core, scene, dispute, { principal, event, status, note, noted });
    },
  });
}
