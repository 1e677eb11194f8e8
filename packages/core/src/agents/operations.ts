import { AgentPayError, isId, newId } from '@agentpay/primitives';
import type { Queryable, Tx } from '@agentpay/primitives';
import { record } from '../audit/index.js';
import type { Core } from '../Core.js';
import { defaultChain, open as openCustody } from '../custody/index.js';
import { issue, requireParty, rotate } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { create as createParty } from '../parties/index.js';
import type { Party } from '../parties/index.js';
import { checkOptionalText, checkText } from '../text.js';
import { open } from '../wallets/index.js';
import type { Wallet } from '../wallets/index.js';
import type { Agent } from './Agent.js';
import * as store from './AgentStore.js';
import { isRestricted, restrict } from './restrict.js';

/** The two keys of an agent, in clear: shown once, kept only as hashes. */
export interface AgentKeys {
  readonly apiKey: string;
  readonly secretKey: string;
}

const DEFAULT_CURRENCY = 'USD';

/**
 * Makes an agent with its default wallet and its keys, which are shown this once. It joins the group of the agent that asks, and the
 * operator too unless another one is named; one that nobody vouches for begins a group of its own. A user who asks owns it, and so does
 * the owner of an agent that asks; it then has a wallet on the default network as well, where there is one. In a public demo it is
 * restricted unless the operator makes it; `restricted` has it so anywhere.
 * @throws AgentPayError `invalid_request` for a name or operator that is blank, longer than 120 characters or has control characters;
 * `forbidden` for a party that is none of a user, an agent and the operator of the platform; `conflict` beyond 1000 agents of a user
 */
export async function create(
  core: Core,
  request: {
    principal?: Principal | undefined;
    name: string;
    operator?: string | undefined;
    restricted?: boolean;
  },
): Promise<{ agent: Agent; wallet: Wallet } & AgentKeys> {
  const id = newId('agent', core);
  const operator = checkOptionalText('operator', request.operator);
  const agent: Agent = {
    id,
    name: checkText('name', request.name),
    ...(await belonging(core.db, { id, operator, principal: request.principal })),
    archivedAt: null,
    createdAt: new Date(core.clock.now()),
  };
  return core.db.tx(async (tx) => {
    if (agent.ownerId !== null) await assertRoom(tx, agent.ownerId);
    const party = partyOf(agent.id);
    await createParty(tx, party);
    await store.agents.insert(tx, agent);
    const wallet = await open(core, tx, { ownerId: agent.id, currency: DEFAULT_CURRENCY });
    if (request.principal?.party.kind === 'platform') {
      const { principal } = request;
      await record(core, tx, { principal, act: 'agent.create', subject: id, tenants: [id], after: agent });
    }
    if (request.restricted || isRestricted(core, request.principal))
      await restrict(core, tx, { agentId: id });
    if (agent.ownerId !== null) await openOnChain(core, tx, agent.id);
    return { agent, wallet, ...(await issueKeys(core, tx, party)) };
  });
}

/** Whom a new agent belongs to, by who makes it. */
async function belonging(
  db: Queryable,
  { id, operator, principal }: Pick<Agent, 'id' | 'operator'> & { principal: Principal | undefined },
): Promise<Pick<Agent, 'operator' | 'groupId' | 'ownerId'>> {
  if (!principal) return { operator, groupId: id, ownerId: null };
  const makerId = requireParty(principal, 'agent', 'platform', 'user');
  if (principal.party.kind === 'user') return { operator, groupId: makerId, ownerId: makerId };
  if (principal.party.kind === 'platform')
    return { operator, groupId: operator === null ? id : `operator:${operator}`, ownerId: null };
  const maker = await self(db, principal);
  const { groupId, ownerId } = maker;
  return { operator: operator ?? maker.operator, groupId, ownerId };
}

/** Most agents that one user has. */
const MAX_OWNED = 1_000;

async function assertRoom(tx: Tx, ownerId: string): Promise<void> {
  const { total } = await store.listOwned(tx, ownerId, { limit: 1, offset: 0 });
  if (total >= MAX_OWNED) throw new AgentPayError('conflict', `A user has at most ${MAX_OWNED} agents.`);
}

/** Agents of users pay on the chain: by the first of the networks on which wallets can. */
async function openOnChain(core: Core, tx: Tx, agentId: string): Promise<void> {
  const network = defaultChain(core)?.network.id;
  if (network !== undefined) await openCustody(core, tx, { ownerId: agentId, holder: agentId, network });
}

/**
 * An agent the caller may see: itself, or one of its group.
 * @throws AgentPayError `agent_not_found`
 */
export async function get(
  core: Core,
  { principal, agentId }: { principal: Principal; agentId: string },
): Promise<Agent> {
  const viewer = await self(core.db, principal);
  const agent = isId('agent', agentId) ? await store.agents.find(core.db, { id: agentId }) : undefined;
  if (!agent || viewer.groupId !== agent.groupId) throw notFound();
  return agent;
}

/** The agents the caller may see, oldest first. @throws AgentPayError `invalid_request` for a page outside the limits */
export async function list(
  core: Core,
  request: { principal: Principal } & PageRequest,
): Promise<{ agents: Agent[] } & Counted> {
  const wanted = page(request);
  const { groupId } = await self(core.db, request.principal);
  const { rows, ...counted } = await store.listGroup(core.db, groupId, wanted);
  return { agents: rows, ...counted };
}

/**
 * Gives the calling agent new keys. The old ones work until a new one is used: a lost response locks nobody out.
 * @throws AgentPayError `agent_not_found` for any agent but the caller
 */
export async function rotateKeys(
  core: Core,
  { principal, agentId }: { principal: Principal; agentId: string },
): Promise<AgentKeys> {
  if (requireParty(principal, 'agent') !== agentId) throw notFound();
  return core.db.tx(async (tx) => {
    if (!(await store.agents.find(tx, { id: agentId }))) throw notFound();
    const { runtime, secret } = await rotate(core, tx, {
      party: partyOf(agentId),
      kinds: ['runtime', 'secret'],
    });
    await record(core, tx, { principal, act: 'keys.rotate', subject: agentId, tenants: [agentId] });
    return { apiKey: runtime.secret, secretKey: secret.secret };
  });
}

async function issueKeys(core: Core, tx: Tx, party: Party): Promise<AgentKeys> {
  const [api, secret] = [
    await issue(core, tx, { party, kind: 'runtime' }),
    await issue(core, tx, { party, kind: 'secret' }),
  ];
  return { apiKey: api.secret, secretKey: secret.secret };
}

function partyOf(agentId: string): Party {
  return { id: agentId, kind: 'agent' };
}

async function self(db: Queryable, principal: Principal): Promise<Agent> {
  const agent = await store.agents.find(db, { id: requireParty(principal, 'agent') });
  if (!agent) throw notFound();
  return agent;
}

function notFound(): AgentPayError {
  return new AgentPayError('agent_not_found', 'You have no agent with this id.');
}
