import { AgentPayError } from '@agentpay/primitives';
import type { Principal } from '../identity/index.js';
import { decideDispute } from './Dispute.js';
import type { Dispute, DisputeEvent, DisputeStatus } from './Dispute.js';

/**
 * Where an event leads a dispute; undefined when it has happened already.
 * @throws AgentPayError `forbidden` when somebody else withdraws it, `dispute_wrong_state`
 */
export function stepOf(
  dispute: Dispute,
  event: DisputeEvent,
  { party }: Principal,
): DisputeStatus | undefined {
  if (event === 'withdraw' && dispute.openerId !== party.id)
    throw new AgentPayError('forbidden', 'Only who opened a dispute withdraws it.');
  const decision = decideDispute(dispute.status, event);
  if (decision.kind === 'refuse') throw wrongState(dispute);
  return decision.kind === 'apply' ? decision.to : undefined;
}

export function wrongState({ status }: Dispute): AgentPayError {
  return new AgentPayError('dispute_wrong_state', `The dispute is ${status}.`, { reason: status });
}
