import type { OwnerApi } from './ownerApi.js';

/** An agent of the buyer platform, as tools call it. */
export interface StackBuyer {
  readonly agent_id: string;
  /** `ak_live_...` */
  readonly agent_key: string;
}

/** Agents prepared so that buying from the demo seller is refused with the code that names them. */
export type Scenarios = Readonly<Record<string, StackBuyer>>;

type Prepare = (owner: OwnerApi, agent: StackBuyer) => Promise<unknown>;

/** Less than the demo seller asks for. */
const LITTLE = '0.001';

const limit =
  (name: string): Prepare =>
  (owner, { agent_id }) =>
    owner.call('PUT', `/api/agents/${agent_id}/limits`, { [name]: LITTLE });

const rules =
  (...all: { type: string; params: object }[]): Prepare =>
  async (owner, { agent_id }) => {
    for (const rule of all) await owner.call('POST', `/api/agents/${agent_id}/policy-rules`, rule);
  };

/** How an agent comes to be refused with each code that a purchase can be refused with. */
const prepared: Readonly<Record<string, Prepare>> = {
  unauthorized: async (owner, { agent_id }) => {
    const path = `/api/agents/${agent_id}/api-keys`;
    const listed = await owner.call<{ apiKeys: { id: string }[] }>('GET', path);
    for (const { id } of listed?.apiKeys ?? []) await owner.call('DELETE', `${path}/${id}`);
  },
  agent_archived: (owner, { agent_id }) => owner.call('POST', `/api/agents/${agent_id}/archive`),
  per_tx_limit_exceeded: limit('perTransaction'),
  daily_limit_exceeded: limit('daily'),
  monthly_limit_exceeded: limit('monthly'),
  seller_not_in_allowlist: (owner, { agent_id }) =>
    owner.call('PUT', `/api/agents/${agent_id}/allowlist`, { sellers: [`0x${'11'.repeat(20)}`] }),
  policy_max_amount_exceeded: rules({ type: 'max_amount', params: { amount: LITTLE } }),
  // No moment is within both.
  policy_time_restricted: rules(
    { type: 'time_restriction', params: { hours: { from: '00:00', to: '00:01' } } },
    { type: 'time_restriction', params: { hours: { from: '12:00', to: '12:01' } } },
  ),
  policy_seller_cap_exceeded: rules({ type: 'per_seller_cap', params: { amount: LITTLE } }),
  insufficient_balance: async () => undefined,
};

/** Makes an agent for each code. */
export async function makeScenarios(owner: OwnerApi): Promise<Scenarios> {
  const made: Record<string, StackBuyer> = {};
  for (const [code, prepare] of Object.entries(prepared)) {
    const agent = await owner.call<{ id: string }>('POST', '/api/agents', { name: `Refused: ${code}` });
    const buyer = await withKey(owner, (agent as { id: string }).id);
    await prepare(owner, buyer);
    made[code] = buyer;
  }
  return made;
}

/** Gives an agent a key of the buyer platform. */
export async function withKey(owner: OwnerApi, agentId: string): Promise<StackBuyer> {
  const made = await owner.call<{ key: string }>('POST', `/api/agents/${agentId}/api-keys`);
  if (!made) throw new Error(`The agent ${agentId} is not the user's.`);
  return { agent_id: agentId, agent_key: made.key };
}
