import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { id, timestamp } from '../../resources/values.js';
import { AGENT, KEY, ofAgent } from './resources.js';

const auth = anyOf('session');

/** POST /api/agents/{id}/api-keys */
export const create = Endpoint.from({
  summary: 'Gives an agent one more key, which is shown this once.',
  method: 'POST',
  path: '/api/agents/{id}/api-keys',
  auth,
  params: ofAgent,
  response: z.object({ id: z.string(), key: z.string(), createdAt: timestamp }),
  status: 201,
  errors: ['agent_not_found', 'conflict'],
  example: {
    params: { id: AGENT },
    response: { id: KEY, key: 'ak_live_...', createdAt: '2026-05-08T12:00:00Z' },
  },
});

/** GET /api/agents/{id}/api-keys */
export const list = Endpoint.from({
  summary: 'Lists the live keys of an agent, oldest first; none of them in clear.',
  method: 'GET',
  path: '/api/agents/{id}/api-keys',
  auth,
  params: ofAgent,
  response: z.object({
    apiKeys: z.array(z.object({ id: z.string(), createdAt: timestamp })),
    total: z.number(),
  }),
  status: 200,
  errors: ['agent_not_found'],
  example: {
    params: { id: AGENT },
    response: { apiKeys: [{ id: KEY, createdAt: '2026-05-08T12:00:00Z' }], total: 1 },
  },
});

/** DELETE /api/agents/{id}/api-keys/{key_id} */
export const revoke = Endpoint.from({
  summary: 'Ends a key of an agent at once.',
  method: 'DELETE',
  path: '/api/agents/{id}/api-keys/{key_id}',
  auth,
  params: ofAgent.extend({ key_id: id('credential') }),
  response: z.object({ id: z.string(), status: z.string() }),
  status: 200,
  errors: ['agent_not_found', 'credential_not_found'],
  example: { params: { id: AGENT, key_id: KEY }, response: { id: KEY, status: 'revoked' } },
});
