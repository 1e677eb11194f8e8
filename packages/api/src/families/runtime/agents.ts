import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf, anyone } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { id, line } from '../../resources/values.js';

const AGENT = 'agent_01kb3x9v7f5m2q8r4t6w0y1z3a';
const WALLET = 'wallet_01kb3x9v7f5m2q8r4t6w0y1z3b';

const agent = z.object({ id: z.string(), name: z.string(), operator: z.string().nullable() });

/** POST /v1/agents */
export const create = Endpoint.from({
  summary:
    'Creates an agent with its default wallet; the two keys are shown this once. With the key of an agent it joins that agent, ' +
    'with the key of the operator of the platform those that were made so under the same operator; a signed-in user owns it.',
  method: 'POST',
  path: '/v1/agents',
  auth: anyone,
  optionalAuth: anyOf('agent', 'admin', 'session'),
  body: z.object({ name: line(textBounds.name), operator: line(textBounds.name).optional() }),
  response: z.object({ id: z.string(), api_key: z.string(), wallet_id: z.string(), secret_key: z.string() }),
  status: 201,
  example: {
    body: { name: 'ResearchOpsAgent', operator: 'acme' },
    response: { id: AGENT, api_key: 'pk_test_...', wallet_id: WALLET, secret_key: 'sk_test_...' },
  },
});

/** GET /v1/agents */
export const list = Endpoint.from({
  summary: 'Lists the caller and the agents that were made with its key, or it with theirs.',
  method: 'GET',
  path: '/v1/agents',
  auth: anyOf('agent'),
  tool: {},
  query: pageQuery,
  response: pageOf('agents', agent),
  status: 200,
  example: { response: { agents: [{ id: AGENT, name: 'ResearchOpsAgent', operator: 'acme' }], total: 1 } },
});

/** GET /v1/agents/{agent_id} */
export const get = Endpoint.from({
  summary: 'Reads an agent.',
  method: 'GET',
  path: '/v1/agents/{agent_id}',
  auth: anyOf('agent'),
  tool: {},
  params: z.object({ agent_id: id('agent') }),
  response: agent,
  status: 200,
  errors: ['agent_not_found'],
  example: {
    params: { agent_id: AGENT },
    response: { id: AGENT, name: 'ResearchOpsAgent', operator: 'acme' },
  },
});

/** POST /v1/agents/{agent_id}/keys/rotate */
export const rotate = Endpoint.from({
  summary: 'Replaces both keys of the calling agent; the old ones work until a new one is used.',
  method: 'POST',
  path: '/v1/agents/{agent_id}/keys/rotate',
  auth: anyOf('agent'),
  demo: 'closed',
  params: z.object({ agent_id: id('agent') }),
  response: z.object({ api_key: z.string(), secret_key: z.string() }),
  status: 200,
  errors: ['agent_not_found'],
  example: { params: { agent_id: AGENT }, response: { api_key: 'pk_test_...', secret_key: 'sk_test_...' } },
});
