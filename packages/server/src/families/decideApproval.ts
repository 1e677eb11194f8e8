import { agreements, approvals, purchases, type Core } from '@agentpay/core';

/** Decides an approval; what waits for it goes on, or ends, by what it is. @throws AgentPayError as `purchases.decide` */
export async function decideApproval(
  core: Core,
  decision: Parameters<typeof purchases.decide>[1],
): Promise<approvals.Approval> {
  const { subject } = await approvals.get(core, decision);
  const decide = subject === 'purchase' ? purchases.decide : agreements.decideApproval;
  return decide(core, decision);
}
