import { AgentPayError } from '@agentpay/primitives';

/** Who asks. */
export type Principal = AgentPrincipal | AdminPrincipal;

export interface AgentPrincipal {
  readonly type: 'agent';
  /** `agent_...` */
  readonly id: string;
  /** What the credential may be used for; empty: everything the principal may do. */
  readonly scopes: readonly string[];
}

export interface AdminPrincipal {
  readonly type: 'admin';
  readonly id: 'admin';
  readonly scopes: readonly string[];
}

/** The agent's id. @throws AgentPayError `forbidden` when somebody else asks. */
export function requireAgent(principal: Principal): string {
  if (principal.type !== 'agent') throw new AgentPayError('forbidden', 'Only an agent can do this.');
  return principal.id;
}

/** @throws AgentPayError `forbidden` unless the operator of the platform asks. */
export function requireAdmin(principal: Principal): void {
  if (principal.type !== 'admin')
    throw new AgentPayError('forbidden', 'Only the operator of the platform can do this.');
}
