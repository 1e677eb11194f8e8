import { runtime } from '@agentpay/api';
import { marketplace, tokens } from '@agentpay/core';
import { implement } from '../../http/implement.js';
import { showService, summarizeService } from './presentService.js';

export const handlers = implement(runtime.nouns.services, ({ core }) => ({
  async list({ query }) {
    const { services, total } = await marketplace.list(core, query);
    return { services: services.map(summarizeService), total };
  },
  async create({ principal, body }) {
    const { id, slug, status, trustScore } = await marketplace.register(core, {
      principal,
      name: body.name,
      description: body.description,
      pricePerCall: body.price_per_call,
      currency: body.currency,
      category: body.category,
      endpointUrl: body.endpoint_url,
      sla: body.sla && { maxCompletionSeconds: body.sla.max_completion_seconds },
    });
    return { id, slug, status, trust_score: trustScore };
  },
  get: async ({ params }) => showService(await marketplace.get(core, { serviceId: params.service_id })),
  verifyProvider: ({ principal, params, body }) =>
    marketplace.setVerified(core, { principal, serviceId: params.service_id, verified: body.verified }),
  async authorize({ principal, params, body }) {
    const { token, signed } = await tokens.authorize(core, {
      principal,
      serviceId: params.service_id,
      walletId: body.from_wallet_id,
      maxAmount: body.max_amount,
    });
    return {
      token: signed,
      token_id: token.id,
      expires_at: token.expiresAt,
      service_id: token.serviceId,
      reserved_amount: token.amount,
    };
  },
}));
