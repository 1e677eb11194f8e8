import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { amount } from '../../resources/amount.js';
import { service, serviceExample } from '../../resources/service.js';
import { httpUrl, id, timestamp } from '../../resources/values.js';

const TOKEN = 'tokid_01kb3x9v7f5m2q8r4t6w0y1z3e';
const SERVICE = serviceExample.id;
const params = z.object({ token_id: id('token') });
const tokenText = z
  .string({ error: 'must be the text of a token' })
  .min(1, 'must not be empty')
  .max(4096, 'is too long');

/** POST /v1/x402/verify */
export const verify = Endpoint.from({
  summary: 'Checks a payment token and redeems it, once, before the service is delivered. For the provider.',
  method: 'POST',
  path: '/v1/x402/verify',
  auth: anyOf('agent'),
  tool: {},
  rate: 'lifecycle',
  body: z
    .object({ token: tokenText.optional(), payment_token: tokenText.optional() })
    .refine((body) => (body.token === undefined) !== (body.payment_token === undefined), {
      error: 'must be given once, as token or as payment_token',
      path: ['token'],
    }),
  response: z.object({ valid: z.literal(true), token_id: z.string(), amount, service }),
  status: 200,
  errors: [
    'token_invalid',
    'token_not_found',
    'token_expired',
    'token_already_redeemed',
    'token_wrong_state',
  ],
  example: {
    body: { token: 'x402_tok_...' },
    response: {
      valid: true,
      token_id: TOKEN,
      amount: 0.005,
      service: serviceExample,
    },
  },
});

const state = z.object({ token_id: z.string(), status: z.string() });

function callEvent(event: 'started' | 'accepted' | 'failed', status: string, summary: string) {
  return Endpoint.from({
    summary,
    method: 'POST',
    path: `/v1/x402/tokens/{token_id}/call-${event}`,
    auth: anyOf('agent'),
    tool: { destructive: event === 'failed' },
    rate: 'lifecycle',
    params,
    response: state,
    status: 200,
    errors: ['token_not_found', 'token_expired', 'token_wrong_state'],
    example: { params: { token_id: TOKEN }, response: { token_id: TOKEN, status } },
  });
}

/** POST /v1/x402/tokens/{token_id}/call-started */
export const callStarted = callEvent(
  'started',
  'in_flight',
  'Marks the call in flight and starts the SLA clock. For the provider.',
);

/** POST /v1/x402/tokens/{token_id}/call-accepted */
export const callAccepted = callEvent(
  'accepted',
  'accepted',
  'Confirms that processing has begun. For the provider.',
);

/** POST /v1/x402/tokens/{token_id}/call-failed */
export const callFailed = callEvent(
  'failed',
  'failed',
  'Gives up the call and releases the reserved money at once. For the provider.',
);

/** POST /v1/x402/tokens/{token_id}/call-completed */
export const callCompleted = Endpoint.from({
  summary: 'Marks the call finished: stops the SLA clock and settles. For the provider.',
  method: 'POST',
  path: '/v1/x402/tokens/{token_id}/call-completed',
  auth: anyOf('agent'),
  tool: {},
  rate: 'lifecycle',
  params,
  response: state.extend({ payment_id: z.string() }),
  status: 200,
  errors: ['token_not_found', 'token_expired', 'token_wrong_state'],
  example: {
    params: { token_id: TOKEN },
    response: { token_id: TOKEN, status: 'settled', payment_id: 'tx_01kb3x9v7f5m2q8r4t6w0y1z3c' },
  },
});

/** GET /v1/x402/tokens/{token_id} */
export const get = Endpoint.from({
  summary: 'Reads a token. For its consumer and its provider.',
  method: 'GET',
  path: '/v1/x402/tokens/{token_id}',
  auth: anyOf('agent'),
  tool: {},
  rate: 'lifecycle',
  params,
  response: z.object({
    token_id: z.string(),
    status: z.string(),
    service_id: z.string(),
    amount,
    currency: z.string(),
    /** When the token's present state runs out; null when it can no longer change by itself. */
    deadline: timestamp.nullable(),
    /** The payment that settled the token. */
    payment_id: z.string().nullable(),
  }),
  status: 200,
  errors: ['token_not_found'],
  example: {
    params: { token_id: TOKEN },
    response: {
      token_id: TOKEN,
      status: 'reserved',
      service_id: SERVICE,
      amount: 0.005,
      currency: 'USD',
      deadline: '2026-05-08T13:05:00Z',
      payment_id: null,
    },
  },
});

/** DELETE /v1/x402/tokens/{token_id} */
export const cancel = Endpoint.from({
  summary: 'Cancels an unused token and releases the reserved money. For the consumer.',
  method: 'DELETE',
  path: '/v1/x402/tokens/{token_id}',
  auth: anyOf('agent'),
  tool: { destructive: false },
  rate: 'lifecycle',
  params,
  response: state.extend({ released_amount: amount }),
  status: 200,
  errors: ['token_not_found', 'token_expired', 'token_wrong_state'],
  example: {
    params: { token_id: TOKEN },
    response: { token_id: TOKEN, status: 'cancelled', released_amount: 0.005 },
  },
});

/** GET /v1/x402/requirements */
export const requirements = Endpoint.from({
  summary: 'Tells how a protected URL can be paid with a payment token; no offers when nobody registered it.',
  method: 'GET',
  path: '/v1/x402/requirements',
  auth: anyOf('agent'),
  tool: {},
  query: z.object({ url: httpUrl }),
  response: z.object({
    accepts: z.array(
      z.object({
        /** Always `agentpay-token`. */
        scheme: z.string(),
        service_id: z.string(),
        price: amount,
        currency: z.string(),
        /** Where to get the token. */
        authorize_url: z.string(),
        /** Header that carries the token to the seller. */
        header: z.string(),
      }),
    ),
  }),
  status: 200,
  example: {
    query: { url: 'https://api.example.com/weather' },
    response: {
      accepts: [
        {
          scheme: 'agentpay-token',
          service_id: SERVICE,
          price: 0.005,
          currency: 'USD',
          authorize_url: `https://pay.example.com/v1/services/${SERVICE}/authorize`,
          header: 'X-Payment-Token',
        },
      ],
    },
  },
});
