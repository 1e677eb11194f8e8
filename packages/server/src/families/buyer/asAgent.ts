import { agents, type Core, type Principal } from '@agentpay/core';
import { AgentPayError } from '@agentpay/primitives';

/** The agent itself, whether it asks or its owner. @throws AgentPayError `agent_not_found` */
export async function asAgent(core: Core, principal: Principal, agentId: string): Promise<Principal> {
  if (principal.party.id === agentId) return principal;
  if (principal.party.kind === 'user') return agents.actFor(core.db, { principal, agentId });
  throw new AgentPayError('agent_not_found', 'You have no agent with this id.');
}
