import * as z from 'zod';
import { anyOf, anyone } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { amount } from '../../resources/amount.js';
import { timestamp } from '../../resources/values.js';

const SESSION = 'exs_01kb3x9v7f5m2q8r4t6w0y1z3f';

const admission = z.object({
  session_id: z.string(),
  role: z.enum(['host', 'guest']),
  /** Goes into the header x-explorer-access. */
  access_token: z.string(),
  expires_at: timestamp,
  agent_id: z.string(),
  wallet_id: z.string(),
});

const admissionExample = {
  session_id: SESSION,
  role: 'host',
  access_token: 'eyJhbGciOi...',
  expires_at: '2026-05-08T13:15:00Z',
  agent_id: 'agent_01kb3x9v7f5m2q8r4t6w0y1z3a',
  wallet_id: 'wallet_01kb3x9v7f5m2q8r4t6w0y1z3b',
};

/** POST /v1/explorer/sessions */
export const open = Endpoint.from({
  summary: 'Opens a session of the public sandbox with a demo agent of its own; the caller is its host.',
  method: 'POST',
  path: '/v1/explorer/sessions',
  auth: anyone,
  response: admission,
  status: 201,
  errors: ['forbidden'],
  example: { response: admissionExample },
});

/** GET /v1/explorer/session */
export const session = Endpoint.from({
  summary: 'Reads the session of an access token: who one is in it, until when, and what is allowed.',
  method: 'GET',
  path: '/v1/explorer/session',
  auth: anyOf('explorer'),
  response: z.object({
    session_id: z.string(),
    role: z.enum(['host', 'guest']),
    agent_id: z.string(),
    wallet_id: z.string(),
    expires_at: timestamp,
    may_write: z.boolean(),
    rails: z.array(z.string()),
    payment_max: amount,
    funding_max: amount,
  }),
  status: 200,
  example: {
    response: {
      session_id: SESSION,
      role: 'guest',
      agent_id: admissionExample.agent_id,
      wallet_id: admissionExample.wallet_id,
      expires_at: '2026-05-08T17:00:00Z',
      may_write: false,
      rails: ['internal', 'x402'],
      payment_max: 10,
      funding_max: 1000,
    },
  },
});

/** POST /v1/explorer/session/renew */
export const renew = Endpoint.from({
  summary: 'Gives a new access token before the present one ends.',
  method: 'POST',
  path: '/v1/explorer/session/renew',
  auth: anyOf('explorer'),
  demo: 'all',
  response: admission,
  status: 200,
  example: { response: admissionExample },
});

/** POST /v1/explorer/invites */
export const invite = Endpoint.from({
  summary: 'Makes an invite to the session, which several guests may exchange. For its host.',
  method: 'POST',
  path: '/v1/explorer/invites',
  auth: anyOf('explorer'),
  demo: 'host',
  response: z.object({ invite: z.string(), expires_at: timestamp }),
  status: 201,
  example: { response: { invite: 'inv_code_...', expires_at: '2026-05-08T14:00:00Z' } },
});

/** POST /v1/explorer/invites/exchange */
export const exchange = Endpoint.from({
  summary: 'Exchanges an invite for the access token of a guest.',
  method: 'POST',
  path: '/v1/explorer/invites/exchange',
  auth: anyone,
  body: z.object({
    invite: z
      .string({ error: 'must be an invite' })
      .regex(/^inv_code_[0-9a-f]{48}$/, 'must be an invite, which begins with inv_code_')
      .meta({ pattern: '^inv_code_[0-9a-f]{48}$' }),
  }),
  response: admission,
  status: 200,
  errors: ['invite_not_found'],
  example: {
    body: { invite: `inv_code_${'0'.repeat(48)}` },
    response: { ...admissionExample, role: 'guest' },
  },
});
