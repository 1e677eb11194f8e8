import { AgentPayError } from '@agentpay/primitives';
import { lastOf, request } from '../approvals/index.js';
import type { Approval } from '../approvals/index.js';
import type { Core } from '../Core.js';
import type { Purchase, PurchaseTerms } from './Purchase.js';
import { approvedTerms, reject, waitFor } from './steps.js';

/** Asks for the approval of a quoted purchase; gives the one that was asked for, if it stands. */
export function askApproval(
  core: Core,
  quoted: Purchase,
  { ownerId = null, ruleId = null }: { ownerId?: string | null | undefined; ruleId?: string | null } = {},
): Promise<Approval> {
  return request(core, { ...ofPurchase(core, quoted), ownerId, ruleId });
}

/** That a purchase waits for an approval, as whoever asked for it is told. */
export function approvalOf(
  { id: purchaseId }: Purchase,
  { id: approvalId, expiresAt, amount }: Approval,
): AgentPayError {
  return new AgentPayError('policy_denied', 'A payment of this amount needs the approval of its owner.', {
    reason: 'approval_required',
    details: { purchaseId, approvalId, amount, expiresAt },
  });
}

/**
 * The approval by which a quoted purchase goes on. Rejected or too late, it ends the purchase.
 * @throws AgentPayError `policy_denied` with the reason `approval_required` (nobody has decided yet: it waits on), `approval_rejected` or
 * `approval_expired`
 */
export async function approvalFor(
  core: Core,
  mine: Purchase,
  { ownerId }: { ownerId?: string | undefined },
): Promise<Approval> {
  const approval =
    (await lastOf(core.db, ofPurchase(core, mine))) ?? (await askApproval(core, mine, { ownerId }));
  const { status, expiresAt } = approval;
  const over = core.clock.now() >= expiresAt.getTime();
  if (status === 'approved' && !over) return approval;
  if (status === 'pending' && !over) {
    await waitFor(core, mine, approval.id);
    throw approvalOf(mine, approval);
  }
  const reason = status === 'rejected' ? 'approval_rejected' : 'approval_expired';
  await reject(core, mine, { reason, terms: mine.terms as PurchaseTerms });
  throw new AgentPayError('policy_denied', 'The owner has not approved the payment.', { reason });
}

function ofPurchase(core: Core, quoted: Purchase) {
  return { ...approvedTerms(core, quoted, quoted.terms as PurchaseTerms), reference: quoted.id };
}
