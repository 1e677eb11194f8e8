import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { keptRequest, keptRequestExample } from '../../resources/keptRequest.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { id, line } from '../../resources/values.js';

const auth = anyOf('agent', 'gateway', 'developer', 'admin', 'session');
const params = z.object({ id: id('request') });

/** GET /api/requests */
export const list = Endpoint.from({
  summary:
    'Lists requests of the caller, and of a user of their agents, that changed something or were refused, newest first; 30 days.',
  method: 'GET',
  path: '/api/requests',
  auth,
  query: pageQuery.extend({
    /** That made this, or named it in the path. */
    object_id: line(textBounds.sought).optional(),
    request_id: line(textBounds.sought).optional(),
    /** Refused ones, or the others. */
    outcome: z.enum(['done', 'refused']).optional(),
  }),
  response: pageOf('requests', keptRequest),
  status: 200,
  example: { response: { requests: [keptRequestExample], total: 1 } },
});

/** GET /api/requests/{id} */
export const get = Endpoint.from({
  summary: 'Reads a request that the caller sent, or for a user one of their agents.',
  method: 'GET',
  path: '/api/requests/{id}',
  auth,
  params,
  response: keptRequest,
  status: 200,
  errors: ['request_not_found'],
  example: { params: { id: keptRequestExample.id }, response: keptRequestExample },
});
