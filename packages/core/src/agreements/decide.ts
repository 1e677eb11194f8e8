import { approvalRows, approve, decideIn, get as getApproval, reject, useIn } from '../approvals/index.js';
import type { Approval } from '../approvals/index.js';
import type { Core } from '../Core.js';
import type { Principal } from '../identity/index.js';
import { checkOptionalText } from '../text.js';
import type { Agreement } from './Agreement.js';
import { approvedTerms, forgetCapIn } from './allow.js';
import { moveIn, wantsOf } from './operations.js';
import * as store from './AgreementStore.js';

/**
 * Decides an approval of any kind. An agreement that waited for it is proposed to its seller, or rejected, in the same step.
 * @throws AgentPayError `approval_not_found`, `forbidden` for who wants to spend, `approval_wrong_state`
 */
export async function decideApproval(
  core: Core,
  decision: {
    readonly principal: Principal;
    readonly approvalId: string;
    readonly event: 'approve' | 'reject';
    readonly note?: string | undefined;
  },
): Promise<Approval> {
  const { principal, approvalId, event } = decision;
  const asked = await getApproval(core, { principal, approvalId });
  const known =
    asked.subject === 'agreement' ? await store.agreements.find(core.db, { id: asked.reference }) : undefined;
  if (!known) return { approve, reject }[event](core, decision);
  const note = checkOptionalText('description', decision.note);
  return core.batch.run({
    wants: [[approvalRows, [approvalId]], ...wantsOf(known)],
    lane: known.id,
    decide(scene) {
      const decided = decideIn(core, scene, { principal, approvalId, event, note });
      const agreement = scene.find(store.agreementRows, known.id) as Agreement;
      if (agreement.status !== 'pending_approval') return decided;
      if (event === 'reject') {
        moveIn(core, scene, agreement, 'reject', { reason: note });
        forgetCapIn(scene, agreement, agreement.cap);
        return decided;
      }
      useIn(core, scene, { approvalId, usedBy: agreement.id, ...approvedTerms(agreement) });
      const nowMs = core.clock.now();
      const dueAt = new Date(
        Math.min(nowMs + core.settings.agreements.proposalMs, agreement.endsAt.getTime()),
      );
      moveIn(core, scene, agreement, 'approve', { proposedAt: new Date(nowMs), dueAt });
      return scene.find(approvalRows, approvalId) as Approval;
    },
  });
}
