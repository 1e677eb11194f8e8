import { AgentPayError, isId } from '@agentpay/primitives';
import type { Queryable } from '@agentpay/primitives';
import { record, wasDone } from '../audit/index.js';
import type { Core } from '../Core.js';
import { issue, liveOf, requireParty, revoke } from '../identity/index.js';
import type { Credential, Issued, Principal } from '../identity/index.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { lock } from '../parties/index.js';
import { setArchived } from '../policies/index.js';
import type { Agent } from './Agent.js';
import * as store from './AgentStore.js';

/** An agent, and the user who says that it is theirs. */
export interface OfOwned {
  readonly principal: Principal;
  readonly agentId: string;
}

/** Keys that an agent has at the same time. */
const MAX_KEYS = 50;

/** The agent, if it is the caller's. @throws AgentPayError `agent_not_found`, the same for somebody else's and for nobody's */
export async function owned(db: Queryable, { principal, agentId }: OfOwned): Promise<Agent> {
  const ownerId = requireParty(principal, 'user');
  const agent = isId('agent', agentId) ? await store.agents.find(db, { id: agentId, ownerId }) : undefined;
  if (agent) return agent;
  throw new AgentPayError('agent_not_found', 'You have no agent with this id.');
}

/**
 * The agent, for whoever sets what it may spend: its owner, or the operator.
 * @throws AgentPayError `agent_not_found`
 */
export async function governed(db: Queryable, { principal, agentId }: OfOwned): Promise<Agent> {
  const { id: ownerId, kind } = principal.party;
  const by = kind === 'platform' ? { id: agentId } : { id: agentId, ownerId };
  const agent = isId('agent', agentId) ? await store.agents.find(db, by) : undefined;
  if (agent) return agent;
  throw new AgentPayError('agent_not_found', 'You have no agent with this id.', { param: 'agentId' });
}

/** The agent, for itself as well. @throws AgentPayError `agent_not_found` */
export async function overseen(db: Queryable, request: OfOwned): Promise<Agent> {
  const { principal, agentId } = request;
  const itself = principal.party.id === agentId ? await store.agents.find(db, { id: agentId }) : undefined;
  return itself ?? governed(db, request);
}

/** The user whose agent it is; null: nobody's. */
export async function ownerOf(db: Queryable, { agentId }: { agentId: string }): Promise<string | null> {
  return (await store.agents.find(db, { id: agentId }))?.ownerId ?? null;
}

/**
 * Who answers for an agent: the user whose it is, or the agent that began its group. Null: nobody but the operator of the platform, as for
 * what is no agent.
 */
export async function approverOf(db: Queryable, { partyId }: { partyId: string }): Promise<string | null> {
  const agent = isId('agent', partyId) ? await store.agents.find(db, { id: partyId }) : undefined;
  if (!agent) return null;
  const beganGroup = isId('agent', agent.groupId) && agent.groupId !== agent.id;
  return agent.ownerId ?? (beganGroup ? agent.groupId : null);
}

/** The caller's agents, newest first. @throws AgentPayError `invalid_request` for a page outside the limits */
export async function listOwned(
  core: Core,
  request: { principal: Principal } & PageRequest,
): Promise<{ agents: Agent[] } & Counted> {
  const ownerId = requireParty(request.principal, 'user');
  const { rows, ...counted } = await store.listOwned(core.db, ownerId, page(request));
  return { agents: rows, ...counted };
}

/** The parties whose doings are the caller's: itself, and of a user their agents. Null: everybody's, for the operator of the platform. */
export async function partiesOf(db: Queryable, { party }: Principal): Promise<readonly string[] | null> {
  if (party.kind === 'platform') return null;
  if (party.kind === 'user') return [party.id, ...(await store.idsOwned(db, party.id))];
  return [party.id];
}

/** The agent itself, for what its owner does in its name. @throws AgentPayError `agent_not_found` */
export async function actFor(db: Queryable, request: OfOwned): Promise<Principal<'agent'>> {
  const { id } = await owned(db, request);
  return { party: { id, kind: 'agent' }, scopes: [], credentialId: request.principal.credentialId };
}

/** Ends all spending of an agent for good; its history and money stay. Again changes nothing. @throws AgentPayError `agent_not_found` */
export async function archive(core: Core, request: OfOwned): Promise<Agent> {
  return core.db.tx(async (tx) => {
    const agent = await owned(tx, request);
    if (agent.archivedAt !== null) return agent;
    await setArchived(tx, { partyId: agent.id, archived: true });
    const archivedAt = new Date(core.clock.now());
    const [archived] = await store.agents.update(tx, { id: agent.id, archivedAt: null }, { archivedAt });
    const { principal } = request;
    await record(core, tx, { principal, act: 'agent.archive', subject: agent.id, tenants: [agent.id] });
    return archived ?? { ...agent, archivedAt };
  });
}

/**
 * Refuses before anybody is called what would be refused at the end; gives who owns the agent.
 * @throws AgentPayError `policy_denied` with the reason `archived`
 */
export async function assertActive(
  db: Queryable,
  { agentId }: { agentId: string },
): Promise<{ ownerId: string | undefined }> {
  const agent = await store.findById(db, agentId);
  if (agent && agent.archivedAt !== null)
    throw new AgentPayError('policy_denied', 'The agent is archived.', { reason: 'archived' });
  return { ownerId: agent?.ownerId ?? undefined };
}

/** Gives an agent one more key. @throws AgentPayError `agent_not_found`, `conflict` beyond 50 */
export async function issueKey(core: Core, request: OfOwned): Promise<Issued> {
  return core.db.tx(async (tx) => {
    const { id } = await owned(tx, request);
    await lock(tx, { partyId: id });
    if ((await liveOf(core, tx, { partyId: id, kind: 'agentKey' })).length >= MAX_KEYS)
      throw new AgentPayError('conflict', `An agent has at most ${MAX_KEYS} keys.`);
    const issued = await issue(core, tx, { party: { id, kind: 'agent' }, kind: 'agentKey' });
    const { principal } = request;
    await record(core, tx, { principal, act: 'keys.issue', subject: issued.credential.id, tenants: [id] });
    return issued;
  });
}

/** The live keys of an agent, oldest first; none of them in clear. @throws AgentPayError `agent_not_found` */
export async function ownKeys(core: Core, request: OfOwned): Promise<Credential[]> {
  const { id } = await owned(core.db, request);
  return liveOf(core, core.db, { partyId: id, kind: 'agentKey' });
}

/** Ends a key of an agent at once; again changes nothing. @throws AgentPayError `agent_not_found`, `credential_not_found` */
export async function revokeKey(core: Core, request: OfOwned & { keyId: string }): Promise<void> {
  await core.db.tx(async (tx) => {
    const { id: partyId } = await owned(tx, request);
    const { keyId: credentialId, principal } = request;
    const act = { act: 'keys.revoke', subject: credentialId };
    if ((await revoke(core, tx, { partyId, kind: 'agentKey', credentialId })) > 0)
      return record(core, tx, { principal, tenants: [partyId], ...act });
    if (!(await wasDone(tx, { acts: [act.act], subject: credentialId, tenantId: partyId })))
      throw new AgentPayError('credential_not_found', 'The agent has no key with this id.');
  });
}
