import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount, positiveDecimalAmount } from '../../resources/amount.js';
import { LISTING } from '../../resources/listing.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { id, line, timestamp, wholeNumber } from '../../resources/values.js';

const CALL = 'call_01kb3x9v7f5m2q8r4t6w0y1z3w';
const status = z.enum(['queued', 'running', 'completed', 'failed']);

/** Longest that a request waits for a call to end, in seconds. */
const MAX_WAIT_SECONDS = 25;

const summary = z.object({
  call_id: z.string(),
  status,
  agent_id: z.string(),
  method: z.string(),
  /** Paid when it is completed. */
  price_usdc: decimalAmount,
  /** Why it failed. */
  failure: z.string().nullable(),
  queued_at: timestamp,
  ended_at: timestamp.nullable(),
});
const summaryExample = {
  call_id: CALL,
  status: 'completed',
  agent_id: LISTING,
  method: 'summarize',
  price_usdc: '0.01',
  failure: null,
  queued_at: '2026-02-26T20:10:00Z',
  ended_at: '2026-02-26T20:10:01Z',
};

/** POST /gateway/call */
export const create = Endpoint.from({
  summary: 'Calls an agent: its price is reserved, and paid when the agent has done what was asked.',
  method: 'POST',
  path: '/gateway/call',
  auth: anyOf('gateway'),
  tool: { description: 'Set max_price_usdc and idempotency_key, so that a repeated call pays once.' },
  idempotent: 'itself',
  body: z.object({
    agent_id: id('listing'),
    input: z.record(z.string(), z.unknown(), { error: 'must be an object' }),
    /** Where the agent has several, and the input names none as `method` or `task`. */
    method: line(textBounds.method).optional(),
    /** A dearer method is not called. */
    max_price_usdc: positiveDecimalAmount.optional(),
    idempotency_key: line(textBounds.idempotencyKey).optional(),
  }),
  response: z.object({ call_id: z.string(), status }),
  status: 200,
  errors: [
    'gateway_not_found',
    'listing_not_found',
    'listing_not_callable',
    'price_above_limit',
    'quota_exceeded',
    'policy_denied',
    'insufficient_funds',
  ],
  example: {
    body: { agent_id: LISTING, input: { task: 'summarize' } },
    response: { call_id: CALL, status: 'queued' },
  },
});

/** GET /gateway/calls/{call_id} */
export const get = Endpoint.from({
  summary: 'Reads a call and what the agent answered, after waiting for its end as long as is asked.',
  method: 'GET',
  path: '/gateway/calls/{call_id}',
  auth: anyOf('gateway'),
  tool: {},
  params: z.object({ call_id: id('call') }),
  query: z.object({ wait: wholeNumber(0, MAX_WAIT_SECONDS).default(0) }),
  response: summary.extend({
    input: z.record(z.string(), z.unknown()),
    /** The JSON that the agent answered; `{ text }` where it was no JSON; null before the end. */
    output: z.unknown(),
  }),
  status: 200,
  errors: ['call_not_found'],
  example: {
    params: { call_id: CALL },
    query: { wait: '20' },
    response: { ...summaryExample, input: { task: 'summarize' }, output: { summary: 'Sales grew.' } },
  },
});

/** GET /gateway/calls */
export const list = Endpoint.from({
  summary: 'Lists calls of the gateway, newest first.',
  method: 'GET',
  path: '/gateway/calls',
  auth: anyOf('gateway'),
  tool: {},
  query: pageQuery.extend({ status: status.optional() }),
  response: pageOf('calls', summary),
  status: 200,
  example: { query: { status: 'completed' }, response: { calls: [summaryExample], total: 1 } },
});
