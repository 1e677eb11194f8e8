import { agents, custody, type Core } from '@agentpay/core';

/** An agent in full. */
export async function readAgent(core: Core, request: agents.OfOwned) {
  const agent = await agents.owned(core.db, request);
  const { limits, allowList } = await agents.controlsOf(core, request);
  const [wallet] = await custody.ofHolder(core.db, { holder: agent.id });
  const balance = wallet && (await custody.balanceOf(core, wallet).catch(() => undefined));
  return {
    ...(await showAgent(core, agent)),
    limits,
    allowlist: [...allowList],
    balance: balance?.available ?? null,
  };
}

/** An agent as lists show it. */
export async function showAgent(core: Core, { id, name, archivedAt, createdAt }: agents.Agent) {
  const [wallet] = await custody.ofHolder(core.db, { holder: id });
  return {
    id,
    name,
    address: wallet?.address ?? null,
    network: wallet?.network ?? null,
    archived: archivedAt !== null,
    createdAt,
  };
}
