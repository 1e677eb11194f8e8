import {
  callAccepted,
  callCompleted,
  callFailed,
  callStarted,
  cancelToken,
  getRequirements,
  getToken,
  verifyToken,
} from '@agentpay/api';
import { marketplace, tokens, type Core } from '@agentpay/core';
import { X_PAYMENT_TOKEN } from '@agentpay/protocol';
import { route, type Route } from '../../http/mount.js';
import { showService } from './presentService.js';

/** @param baseUrl origin of the absolute URLs in answers */
export function tokenRoutes(core: Core, baseUrl: () => string): Route[] {
  return [
    route(verifyToken, async ({ principal, body }) => {
      const { token, service } = await tokens.verify(core, {
        principal,
        token: (body.token ?? body.payment_token) as string,
      });
      return {
        valid: true as const,
        token_id: token.id,
        amount: token.amount,
        service: showService(service),
      };
    }),
    route(callStarted, async ({ principal, params }) =>
      stateOf(await tokens.callStarted(core, { principal, tokenId: params.token_id })),
    ),
    route(callAccepted, async ({ principal, params }) =>
      stateOf(await tokens.callAccepted(core, { principal, tokenId: params.token_id })),
    ),
    route(callFailed, async ({ principal, params }) =>
      stateOf(await tokens.callFailed(core, { principal, tokenId: params.token_id })),
    ),
    route(callCompleted, async ({ principal, params }) => {
      const token = await tokens.callCompleted(core, { principal, tokenId: params.token_id });
      return { ...stateOf(token), payment_id: token.paymentId as string };
    }),
    route(getToken, async ({ principal, params }) => {
      const token = await tokens.get(core, { principal, tokenId: params.token_id });
      const { serviceId, amount, currency, deadline, paymentId } = token;
      return { ...stateOf(token), service_id: serviceId, amount, currency, deadline, payment_id: paymentId };
    }),
    route(cancelToken, async ({ principal, params }) => {
      const token = await tokens.cancel(core, { principal, tokenId: params.token_id });
      return { ...stateOf(token), released_amount: token.amount };
    }),
    route(getRequirements, async ({ query }) => {
      const service = await marketplace.findByEndpoint(core, query);
      return { accepts: service ? [offer(service, baseUrl())] : [] };
    }),
  ];
}

function stateOf(token: tokens.Token) {
  return { token_id: token.id, status: token.state };
}

function offer(service: marketplace.Service, baseUrl: string) {
  return {
    scheme: 'agentpay-token',
    service_id: service.id,
    price: service.price,
    currency: service.currency,
    authorize_url: `${baseUrl}/v1/services/${service.id}/authorize`,
    header: X_PAYMENT_TOKEN,
  };
}
