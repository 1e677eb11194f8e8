import { AgentPayError } from '@agentpay/primitives';
import type { ErrorDetails } from '@agentpay/primitives';
import type { Approval } from './Approval.js';

const sentences = {
  approval_required: 'The spending waits for the approval of its owner.',
  approval_rejected: 'The owner rejected the spending.',
  approval_expired: 'The approval has expired.',
  approval_used: 'The approval was used already.',
  approval_mismatch: 'The approval is for another payee, rail or currency, or for a smaller amount.',
} as const;

/** Why an approval lets nothing pass, as a refusal of the rules that names it. */
export function approvalRefused(
  reason: keyof typeof sentences,
  { id, status, usedBy, ruleId }: Approval,
  facts: ErrorDetails = {},
): AgentPayError {
  const given = status === 'approved' && reason === 'approval_required';
  const message = given ? 'The owner approved it: send it again with approval_id.' : sentences[reason];
  return new AgentPayError('policy_denied', message, {
    reason,
    details: { ruleId, ...facts, approvalId: id, approvalStatus: status, usedBy },
  });
}
