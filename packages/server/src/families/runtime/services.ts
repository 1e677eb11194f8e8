import { authorizeService, createService, getService, listServices, verifyProvider } from '@agentpay/api';
import { marketplace, tokens, type Core } from '@agentpay/core';
import { route, type Route } from '../../http/mount.js';
import { showService, summarizeService } from './presentService.js';

export function serviceRoutes(core: Core): Route[] {
  return [
    route(listServices, async ({ query }) => {
      const { services, total } = await marketplace.list(core, query);
      return { services: services.map(summarizeService), total };
    }),
    route(createService, async ({ principal, body }) => {
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
    }),
    route(getService, async ({ params }) =>
      showService(await marketplace.get(core, { serviceId: params.service_id })),
    ),
    route(verifyProvider, ({ principal, params, body }) =>
      marketplace.setVerified(core, { principal, serviceId: params.service_id, verified: body.verified }),
    ),
    route(authorizeService, async ({ principal, params, body }) => {
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
    }),
  ];
}
