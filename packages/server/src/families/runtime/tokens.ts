import { runtime } from '@agentpay/api';
import { marketplace, tokens } from '@agentpay/core';
import { X_PAYMENT_TOKEN } from '@agentpay/protocol';
import { implement } from '../../http/implement.js';
import { showService } from './presentService.js';

export const handlers = implement(runtime.nouns.tokens, ({ core, baseUrl }) => ({
  async verify({ principal, body }) {
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
  },
  callStarted: async ({ principal, params }) =>
    stateOf(await tokens.callStarted(core, { principal, tokenId: params.token_id })),
  callAccepted: async ({ principal, params }) =>
    stateOf(await tokens.callAccepted(core, { principal, tokenId: params.token_id })),
  callFailed: async ({ principal, params }) =>
    stateOf(await tokens.callFailed(core, { principal, tokenId: params.token_id })),
  async callCompleted({ principal, params }) {
    const token = await tokens.callCompleted(core, { principal, tokenId: params.token_id });
    return { ...stateOf(token), payment_id: token.paymentId as string };
  },
  async get({ principal, params }) {
    const token = await tokens.get(core, { principal, tokenId: params.token_id });
    const { serviceId, amount, currency, deadline, paymentId } = token;
    return { ...stateOf(token), service_id: serviceId, amount, currency, deadline, payment_id: paymentId };
  },
  async cancel({ principal, params }) {
    const token = await tokens.cancel(core, { principal, tokenId: params.token_id });
    return { ...stateOf(token), released_amount: token.amount };
  },
  async requirements({ query }) {
    const service = await marketplace.findByEndpoint(core, query);
    return { accepts: service ? [offer(service, baseUrl())] : [] };
  },
}));

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
