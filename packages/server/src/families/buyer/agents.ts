import { buyer } from '@agentpay/api';
import { agents } from '@agentpay/core';
import { implement } from '../../http/implement.js';
import { readAgent, showAgent } from './readAgent.js';

export const handlers = implement(buyer.nouns.agents, ({ core }) => ({
  async create({ principal, body }) {
    const { agent } = await agents.create(core, { principal, ...body });
    return showAgent(core, agent);
  },
  async list({ principal, query }) {
    const { agents: owned, total } = await agents.listOwned(core, { principal, ...query });
    return { agents: await Promise.all(owned.map((agent) => showAgent(core, agent))), total };
  },
  get: ({ principal, params }) => readAgent(core, { principal, agentId: params.id }),
  setLimits: ({ principal, params, body }) =>
    agents.setLimits(core, { principal, agentId: params.id, limits: body }),
  async setAllowlist({ principal, params, body }) {
    return { sellers: [...(await agents.setAllowList(core, { principal, agentId: params.id, ...body }))] };
  },
  archive: async ({ principal, params }) =>
    showAgent(core, await agents.archive(core, { principal, agentId: params.id })),
}));
