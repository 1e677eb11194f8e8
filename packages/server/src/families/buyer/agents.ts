import { buyer } from '@agentpay/api';
import { agents } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';
import { readAgent, showAgent } from './readAgent.js';
import { buy } from './showBought.js';

export const handlers = implement(buyer.nouns.agents, ({ core, baseUrl }) => ({
  async create({ principal, body }) {
    const { agent } = await agents.create(core, { principal, ...body });
    return showAgent(core, agent);
  },
  async list({ principal, query }) {
    const { agents: owned, ...page } = await agents.listOwned(core, { principal, ...query });
    return { agents: await Promise.all(owned.map((agent) => showAgent(core, agent))), ...counted(page) };
  },
  get: ({ principal, params }) => readAgent(core, { principal, agentId: params.id }),
  setLimits: ({ principal, params, body }) =>
    agents.setLimits(core, { principal, agentId: params.id, limits: body }),
  async setAllowlist({ principal, params, body }) {
    return { sellers: [...(await agents.setAllowList(core, { principal, agentId: params.id, ...body }))] };
  },
  archive: async ({ principal, params }) =>
    showAgent(core, await agents.archive(core, { principal, agentId: params.id })),
  async pay({ principal, body: { sellerUrl: url, ...request }, repeatable }) {
    const { ownerId } = await agents.assertActive(core.db, { agentId: principal.party.id });
    const idempotencyKey = repeatable?.key;
    return buy(core, { principal, ownerId, idempotencyKey, url, ...request, early: true });
  },
  async testBuy({ principal, params }) {
    const agent = await agents.actFor(core.db, { principal, agentId: params.id });
    const { ownerId } = await agents.assertActive(core.db, { agentId: params.id });
    return buy(core, { principal: agent, ownerId, url: `${baseUrl()}${buyer.paid.demoSeller.path}` });
  },
}));
