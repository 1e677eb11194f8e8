import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { id, line, timestamp } from '../../resources/values.js';

const auth = anyOf('agent', 'gateway', 'developer', 'admin', 'session');
const params = z.object({ id: id('request') });

export const request = z.object({
  id: z.string(),
  /** As `X-Request-Id` of the response: the caller's own where one was sent. */
  request_id: z.string(),
  at: timestamp,
  /** Who sent it. */
  party_id: z.string(),
  /** `key_...`, or `admin` for the key of the operator; null for what asks for no credential. */
  credential_id: z.string().nullable(),
  method: z.string(),
  /** With the ids that were in it. */
  path: z.string(),
  /** The endpoint, as `runtime.payments.create`. */
  endpoint: z.string(),
  status: z.number(),
  /** Code of the error. */
  error: z.string().nullable(),
  duration_ms: z.number(),
  /** Ids of what it made. */
  made: z.array(z.string()),
  /** Ids in its path. */
  named: z.array(z.string()),
});

export const example = {
  id: 'req_01kb3x9v7f5m2q8r4t6w0y1z3s',
  request_id: 'req_01kb3x9v7f5m2q8r4t6w0y1z3s',
  at: '2026-05-08T12:00:00Z',
  party_id: 'agent_01kb3x9v7f5m2q8r4t6w0y1z3a',
  credential_id: 'key_01kb3x9v7f5m2q8r4t6w0y1z3p',
  method: 'POST',
  path: '/v1/payments',
  endpoint: 'runtime.payments.create',
  status: 201,
  error: null,
  duration_ms: 12,
  made: ['tx_01kb3x9v7f5m2q8r4t6w0y1z3c'],
  named: [],
};

/** GET /api/requests */
export const list = Endpoint.from({
  summary:
    'Lists requests of the caller that changed something or were refused, newest first; of a user those of their agents, too. Kept for 30 days.',
  method: 'GET',
  path: '/api/requests',
  auth,
  query: pageQuery.extend({
    /** That made this, or named it in the path. */
    object_id: line(64).optional(),
    request_id: line(64).optional(),
    /** Refused ones, or the others. */
    outcome: z.enum(['done', 'refused']).optional(),
  }),
  response: pageOf('requests', request),
  status: 200,
  example: { response: { requests: [example], total: 1 } },
});

/** GET /api/requests/{id} */
export const get = Endpoint.from({
  summary: 'Reads a request that the caller sent, or for a user one of their agents.',
  method: 'GET',
  path: '/api/requests/{id}',
  auth,
  params,
  response: request,
  status: 200,
  errors: ['request_not_found'],
  example: { params: { id: example.id }, response: example },
});
