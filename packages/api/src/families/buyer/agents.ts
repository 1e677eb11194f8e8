import { numberBounds, textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount } from '../../resources/amount.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { httpUrl, line } from '../../resources/values.js';
import { bought, boughtExample, waiting } from './bought.js';
import { address, AGENT, agent, agentExample, limit, limits, ofAgent, SELLER } from './resources.js';

const auth = anyOf('session');

/** POST /api/agents */
export const create = Endpoint.from({
  summary: 'Makes an agent with a wallet of its own.',
  method: 'POST',
  path: '/api/agents',
  auth,
  body: z.object({ name: line(textBounds.name) }),
  response: agent,
  status: 201,
  errors: ['conflict'],
  example: { body: { name: 'Researcher' }, response: agentExample },
});

/** GET /api/agents */
export const list = Endpoint.from({
  summary: "Lists the user's agents, newest first.",
  method: 'GET',
  path: '/api/agents',
  auth,
  query: pageQuery,
  response: pageOf('agents', agent),
  status: 200,
  example: { response: { agents: [agentExample], total: 1 } },
});

/** GET /api/agents/{id} */
export const get = Endpoint.from({
  summary: 'Reads an agent with its limits and what its wallet holds.',
  method: 'GET',
  path: '/api/agents/{id}',
  auth,
  params: ofAgent,
  response: agent.extend({
    limits,
    allowlist: z.array(z.string()),
    /** What it can spend; null when the chain cannot be asked. */
    balance: decimalAmount.nullable(),
  }),
  status: 200,
  errors: ['agent_not_found'],
  example: {
    params: { id: AGENT },
    response: {
      ...agentExample,
      limits: { perTransaction: '1.00', daily: '20.00', monthly: '0' },
      allowlist: [SELLER],
      balance: '18.25',
    },
  },
});

/** PUT /api/agents/{id}/limits */
export const setLimits = Endpoint.from({
  summary: 'Sets what an agent may spend in one payment, a day and a month (UTC); "0" is no limit.',
  method: 'PUT',
  path: '/api/agents/{id}/limits',
  auth,
  params: ofAgent,
  body: z.object({
    perTransaction: limit.optional(),
    daily: limit.optional(),
    monthly: limit.optional(),
  }),
  response: limits,
  status: 200,
  errors: ['agent_not_found', 'conflict'],
  example: {
    params: { id: AGENT },
    body: { perTransaction: '1.00', daily: '20.00', monthly: '0' },
    response: { perTransaction: '1.00', daily: '20.00', monthly: '0' },
  },
});

/** PUT /api/agents/{id}/allowlist */
export const setAllowlist = Endpoint.from({
  summary: 'Sets the addresses that an agent may pay; none is no restriction.',
  method: 'PUT',
  path: '/api/agents/{id}/allowlist',
  auth,
  params: ofAgent,
  body: z.object({ sellers: z.array(address, { error: 'must be a list' }).max(numberBounds.ruleNames) }),
  response: z.object({ sellers: z.array(z.string()) }),
  status: 200,
  errors: ['agent_not_found', 'conflict'],
  example: { params: { id: AGENT }, body: { sellers: [SELLER] }, response: { sellers: [SELLER] } },
});

/** POST /api/agents/{id}/archive */
export const archive = Endpoint.from({
  summary: 'Ends all payments of an agent for good.',
  method: 'POST',
  path: '/api/agents/{id}/archive',
  auth,
  params: ofAgent,
  response: agent,
  status: 200,
  errors: ['agent_not_found'],
  example: { params: { id: AGENT }, response: { ...agentExample, archived: true } },
});

const buyErrors = [
  'policy_denied',
  'insufficient_funds',
  'seller_not_402',
  'no_payment_header',
  'offer_not_acceptable',
  'payment_refused',
  'payment_unresolved',
  'payment_in_progress',
  'settlement_not_configured',
  'conflict',
] as const;

/** POST /api/agents/{id}/pay */
export const pay = Endpoint.from({
  summary: 'Calls a seller, pays what it asks for within the limits of the agent, and gives its response.',
  method: 'POST',
  path: '/api/agents/{id}/pay',
  auth: anyOf('agentKey'),
  tool: { openWorld: true },
  self: 'id',
  idempotent: 'itself',
  params: ofAgent,
  body: z.object({
    sellerUrl: httpUrl,
    method: z
      .enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'], { error: 'must be a method of HTTP' })
      .default('GET'),
    /** Headers to forward. */
    headers: z
      .record(z.string().max(255), z.string().max(8192), { error: 'must be an object of texts' })
      .default({}),
    /** Body to forward. */
    body: z.string({ error: 'must be text' }).max(100_000).default(''),
  }),
  response: bought,
  waiting,
  status: 200,
  errors: buyErrors,
  example: {
    params: { id: AGENT },
    body: { sellerUrl: 'https://api.example.com/resource', method: 'GET' },
    response: boughtExample,
  },
});

/** POST /api/agents/{id}/test-buy */
export const testBuy = Endpoint.from({
  summary: 'Buys once from the demo seller, as the agent would.',
  method: 'POST',
  path: '/api/agents/{id}/test-buy',
  auth,
  params: ofAgent,
  response: bought,
  waiting,
  status: 200,
  errors: ['agent_not_found', ...buyErrors],
  example: { params: { id: AGENT }, response: boughtExample },
});
