import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { amount } from '../../resources/amount.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { id, line, timestamp } from '../../resources/values.js';

const APPROVAL = 'apr_01kb3x9v7f5m2q8r4t6w0y1z3p';
const params = z.object({ approval_id: id('approval') });
const statuses = ['pending', 'approved', 'rejected', 'expired'] as const;

const approval = z.object({
  id: z.string(),
  status: z.enum(statuses),
  /** What is to be done: `payment`, `token`, ... */
  subject: z.string(),
  /** Who wants to spend. */
  agent_id: z.string(),
  /** The most that may be spent, without the fee. */
  amount,
  currency: z.string(),
  /** The one payee: a wallet, a service, or an external label. */
  payee: z.string(),
  rail: z.string(),
  description: z.string().nullable(),
  /** The rule that asks for it. */
  rule_id: z.string().nullable(),
  /** What was written about the decision. */
  note: z.string().nullable(),
  created_at: timestamp,
  /** Until when it is decided, and once approved used. */
  expires_at: timestamp,
  decided_at: timestamp.nullable(),
  /** What it was used for. */
  used_by: z.string().nullable(),
});

const example = {
  id: APPROVAL,
  status: 'pending',
  subject: 'payment',
  agent_id: 'agent_01kb3x9v7f5m2q8r4t6w0y1z3a',
  amount: 75,
  currency: 'USD',
  payee: 'merchant:demo',
  rail: 'internal',
  description: 'Market data for a year',
  rule_id: 'rule_01kb3x9v7f5m2q8r4t6w0y1z3d',
  note: null,
  created_at: '2026-05-08T13:00:00Z',
  expires_at: '2026-05-09T13:00:00Z',
  decided_at: null,
  used_by: null,
};
const decided = {
  ...example,
  note: 'Within the budget.',
  expires_at: '2026-05-09T14:00:00Z',
  decided_at: '2026-05-08T14:00:00Z',
};
const decision = z.object({ note: line(textBounds.description).optional() });

/** GET /v1/approvals */
export const list = Endpoint.from({
  summary:
    'Lists the approvals that the caller asked for or decides, newest first; all of them for the operator.',
  method: 'GET',
  path: '/v1/approvals',
  auth: anyOf('agent', 'apiKey', 'session', 'admin'),
  tool: {},
  query: pageQuery.extend({ status: z.enum(statuses).optional() }),
  response: pageOf('approvals', approval),
  status: 200,
  example: { query: { status: 'pending' }, response: { approvals: [example], total: 1 } },
});

/** GET /v1/approvals/{approval_id} */
export const get = Endpoint.from({
  summary: 'Reads an approval that a refused payment asked for.',
  method: 'GET',
  path: '/v1/approvals/{approval_id}',
  auth: anyOf('agent', 'apiKey', 'session', 'admin'),
  tool: { description: 'Once it is approved, send the same payment again with approval_id.' },
  params,
  response: approval,
  status: 200,
  errors: ['approval_not_found'],
  example: { params: { approval_id: APPROVAL }, response: example },
});

/** POST /v1/approvals/{approval_id}/approve */
export const approve = Endpoint.from({
  summary:
    'Allows one spending up to the amount to the payee. For the owner of the agent that asks, and the operator.',
  method: 'POST',
  path: '/v1/approvals/{approval_id}/approve',
  auth: anyOf('admin', 'agent', 'apiKey', 'session'),
  params,
  body: decision,
  response: approval,
  status: 200,
  errors: ['approval_not_found', 'approval_wrong_state', 'forbidden'],
  example: {
    params: { approval_id: APPROVAL },
    body: { note: decided.note },
    response: { ...decided, status: 'approved' },
  },
});

/** POST /v1/approvals/{approval_id}/reject */
export const reject = Endpoint.from({
  summary:
    'Refuses a spending that waits for approval. For the owner of the agent that asks, and the operator.',
  method: 'POST',
  path: '/v1/approvals/{approval_id}/reject',
  auth: anyOf('admin', 'agent', 'apiKey', 'session'),
  params,
  body: decision,
  response: approval,
  status: 200,
  errors: ['approval_not_found', 'approval_wrong_state', 'forbidden'],
  example: {
    params: { approval_id: APPROVAL },
    body: { note: 'Too dear.' },
    response: { ...decided, note: 'Too dear.', status: 'rejected' },
  },
});
