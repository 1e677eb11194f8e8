import { runtime } from '@agentpay/api';
import { marketplace, tokens } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';
import { readRegistration } from '../readRegistration.js';
import { showEndpoint, showService, showSla, summarizeService } from './presentService.js';

export const handlers = implement(runtime.nouns.services, ({ core }) => ({
  async list({ query }) {
    const page = await marketplace.list(core, query);
    return { services: page.services.map(summarizeService), ...counted(page) };
  },
  async create({ principal, body }) {
    const made = await marketplace.register(core, { principal, ...readRegistration(body) });
    const { id, slug, status, trustScore } = made;
    return { id, slug, status, trust_score: trustScore };
  },
  get: async ({ params }) => showService(await marketplace.get(core, { serviceId: params.service_id })),
  verifyProvider: ({ principal, params, body }) =>
    marketplace.setVerified(core, { principal, serviceId: params.service_id, verified: body.verified }),
  checkEndpoint: async ({ principal, params }) =>
    showEndpoint(await marketplace.checkEndpoint(core, { principal, serviceId: params.service_id })),
  sla: async ({ params }) => ({
    service_id: params.service_id,
    ...showSla(await tokens.slaReport(core, { serviceId: params.service_id })),
  }),
  async authorize({ principal, params, body }) {
    const { token, signed } = await tokens.authorize(core, {
      principal,
      serviceId: params.service_id,
      walletId: body.from_wallet_id,
      maxAmount: body.max_amount,
      approvalId: body.approval_id,
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
