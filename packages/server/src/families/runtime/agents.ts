import { createAgent, getAgent, listAgents, rotateKeys } from '@agentpay/api';
import { agents, type Core } from '@agentpay/core';
import { route, type Route } from '../../http/mount.js';

export function agentRoutes(core: Core): Route[] {
  return [
    route(createAgent, async ({ body }) => {
      const { agent, wallet, apiKey, secretKey } = await agents.create(core, body);
      return { id: agent.id, api_key: apiKey, wallet_id: wallet.id, secret_key: secretKey };
    }),
    route(listAgents, ({ principal, query }) => agents.list(core, { principal, ...query })),
    route(getAgent, ({ principal, params }) => agents.get(core, { principal, agentId: params.agent_id })),
    route(rotateKeys, async ({ principal, params }) => {
      const { apiKey, secretKey } = await agents.rotateKeys(core, { principal, agentId: params.agent_id });
      return { api_key: apiKey, secret_key: secretKey };
    }),
  ];
}
