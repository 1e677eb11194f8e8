import { isAgentPayError } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import type { ApprovedTerms } from './Approval.js';
import { request } from './operations.js';
import type { ApprovalRequest } from './operations.js';
import { approvalRefused } from './refusals.js';

/** A spending that may need approval, and what the caller says about it. */
interface Asking {
  /** An approval that the caller names. */
  readonly approvalId: string | undefined;
  /** Under which the caller repeats this one spending; null: it is not told from another one of the same terms. */
  readonly idempotencyKey: string | null;
  /** What the owner would be asked. */
  readonly terms: () => Promise<Omit<ApprovalRequest, 'reference' | 'ruleId'>>;
}

/**
 * Carries out what spends. Where it needs an approval and names none, the owner is asked, once for the same spending, and the refusal
 * names the approval; one that was given for the idempotency key of the spending need not be named.
 * @param spend carries it out, with an approval to be used up or without
 * @throws AgentPayError what `spend` throws, and as `request`
 */
export async function withApproval<T>(
  core: Core,
  { approvalId, idempotencyKey, terms }: Asking,
  spend: (approvalId: string | undefined) => Promise<T>,
): Promise<T> {
  try {
    return await spend(approvalId);
  } catch (error) {
    const missing = isAgentPayError(error, 'policy_denied') && error.reason === 'approval_required';
    if (!missing || approvalId !== undefined) throw error;
    const facts = error.details ?? {};
    const wanted = await terms();
    const reference = idempotencyKey === null ? referenceOf(wanted) : `key:${idempotencyKey}`;
    const ruleId = facts['ruleId'] as string | null;
    const approval = await request(core, { ...wanted, reference, ruleId });
    if (approval.status === 'approved' && idempotencyKey !== null) return spend(approval.id);
    const rejected = approval.status === 'rejected';
    throw approvalRefused(rejected ? 'approval_rejected' : 'approval_required', approval, facts);
  }
}

function referenceOf({ rail, payee, currency, amount }: Omit<ApprovedTerms, 'payerId' | 'subject'>): string {
  return `terms:${rail}:${payee}:${currency}:${amount}`;
}
