import { runtime } from '@agentpay/api';
import { agents } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';

export const handlers = implement(runtime.nouns.agents, ({ core }) => ({
  async create({ principal, body }) {
    const { agent, wallet, apiKey, secretKey } = await agents.create(core, { principal, ...body });
    return { id: agent.id, api_key: apiKey, wallet_id: wallet.id, secret_key: secretKey };
  },
  async list({ principal, query }) {
    const page = await agents.list(core, { principal, ...query });
    return { agents: page.agents, ...counted(page) };
  },
  get: ({ principal, params }) => agents.get(core, { principal, agentId: params.agent_id }),
  async rotate({ principal, params }) {
    const { apiKey, secretKey } = await agents.rotateKeys(core, { principal, agentId: params.agent_id });
    return { api_key: apiKey, secret_key: secretKey };
  },
}));
