import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { id, line, timestamp } from '../../resources/values.js';

const KEY = 'key_01kb3x9v7f5m2q8r4t6w0y1z3a';
const params = z.object({ key_id: id('credential') });

const key = z.object({
  id: z.string(),
  name: z.string(),
  status: z.enum(['active', 'revoked']),
  created_at: timestamp,
});

/** POST /v1/keys */
export const create = Endpoint.from({
  summary: 'Makes an API key; it is shown this once, and kept as a hash.',
  method: 'POST',
  path: '/v1/keys',
  auth: anyOf('session'),
  body: z.object({ name: line(textBounds.name).optional() }),
  response: z.object({ id: z.string(), name: z.string(), api_key: z.string() }),
  status: 201,
  example: { body: { name: 'default' }, response: { id: KEY, name: 'default', api_key: 'ap_...' } },
});

/** GET /v1/keys */
export const list = Endpoint.from({
  summary: 'Lists the API keys of the signed-in user, newest first.',
  method: 'GET',
  path: '/v1/keys',
  auth: anyOf('session'),
  query: pageQuery,
  response: pageOf('keys', key),
  status: 200,
  example: {
    response: {
      keys: [{ id: KEY, name: 'default', status: 'active', created_at: '2026-05-08T13:00:00Z' }],
      total: 1,
    },
  },
});

/** DELETE /v1/keys/{key_id} */
const remove = Endpoint.from({
  summary: 'Revokes an API key at once. What its wallets hold stays with the user.',
  method: 'DELETE',
  path: '/v1/keys/{key_id}',
  auth: anyOf('session'),
  params,
  response: z.object({ status: z.literal('revoked') }),
  status: 200,
  errors: ['credential_not_found'],
  example: { params: { key_id: KEY }, response: { status: 'revoked' } },
});
export { remove as delete };
