import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf, anyone } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { id, line } from '../../resources/values.js';

/** GET /signin */
export const signin = Endpoint.page({
  summary: 'The sign-in page.',
  method: 'GET',
  path: '/signin',
  auth: anyone,
  query: z.object({
    callbackUrl: line(textBounds.url).optional(),
    error: line(textBounds.signInError).optional(),
  }),
});

/** GET /dashboard/dashboard.js */
export const script = Endpoint.text({
  summary: 'The script of the sign-in page.',
  method: 'GET',
  path: '/dashboard/dashboard.js',
  auth: anyone,
  contentType: 'text/javascript; charset=utf-8',
});

/** GET /dashboard */
export const dashboard = Endpoint.page({
  summary: 'The dashboard: its page holds no data, its script asks the API.',
  method: 'GET',
  path: '/dashboard',
  auth: anyOf('session'),
});

/** GET /dashboard/agents/{id} */
export const agent = Endpoint.page({
  summary: 'The dashboard at an agent: its keys, limits, rules, allow list, webhooks, and a test purchase.',
  method: 'GET',
  path: '/dashboard/agents/{id}',
  auth: anyOf('session'),
  params: z.object({ id: id('agent') }),
  errors: ['agent_not_found'],
  example: { params: { id: 'agent_01kb3x9v7f5m2q8r4t6w0y1z3a' } },
});
