import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount } from '../../resources/amount.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { id, line, timestamp } from '../../resources/values.js';
import { AGREEMENT, APPROVAL, BUYER, SERVICE } from './resources.js';

const readers = anyOf('agent', 'agentKey', 'session', 'developer', 'admin');
const owners = anyOf('session', 'developer', 'admin');
const ofAgent = z.object({ agent_id: id('agent') });
const params = ofAgent.extend({ request_id: id('approval') });
const statuses = z.enum(['pending', 'approved', 'rejected', 'expired']);

const approval = z.object({
  request_id: z.string(),
  status: statuses,
  /** What is to be done: `agreement`, `payment`, `token`, ... */
  subject: z.string(),
  agent_id: z.string(),
  /** The agreement that waits for it. */
  agreement_id: z.string().nullable(),
  /** The most that may be spent. */
  amount: decimalAmount,
  currency: z.string(),
  payee: z.string(),
  description: z.string().nullable(),
  note: z.string().nullable(),
  created_at: timestamp,
  expires_at: timestamp,
  decided_at: timestamp.nullable(),
});

const example = {
  request_id: APPROVAL,
  status: 'pending',
  subject: 'agreement',
  agent_id: BUYER,
  agreement_id: AGREEMENT,
  amount: '75.00',
  currency: 'USD',
  payee: SERVICE,
  description: null,
  note: null,
  created_at: '2026-05-08T13:00:00Z',
  expires_at: '2026-05-09T13:00:00Z',
  decided_at: null,
};
const decided = { ...example, note: 'Within the budget.', decided_at: '2026-05-08T14:00:00Z' };
const ids = { agent_id: BUYER, request_id: APPROVAL };
const body = z.object({ note: line(textBounds.description).optional() });
const errors = ['agent_not_found', 'approval_not_found', 'approval_wrong_state'] as const;

/** GET /agents/{agent_id}/approvals */
export const list = Endpoint.from({
  summary: 'Lists what an agent wants to spend and its owner has to allow, newest first.',
  method: 'GET',
  path: '/agents/{agent_id}/approvals',
  auth: readers,
  params: ofAgent,
  query: pageQuery.extend({ status: statuses.optional() }),
  response: pageOf('approvals', approval),
  status: 200,
  errors: ['agent_not_found'],
  example: {
    params: { agent_id: BUYER },
    query: { status: 'pending' },
    response: { approvals: [example], total: 1 },
  },
});

/** GET /agents/{agent_id}/approvals/{request_id} */
export const get = Endpoint.from({
  summary: 'Reads an approval: how the agent learns the outcome.',
  method: 'GET',
  path: '/agents/{agent_id}/approvals/{request_id}',
  auth: readers,
  params,
  response: approval,
  status: 200,
  errors: ['agent_not_found', 'approval_not_found'],
  example: { params: ids, response: example },
});

/** POST /agents/{agent_id}/approvals/{request_id}/approve */
export const approve = Endpoint.from({
  summary: 'Allows what an agent wants to spend, once; an agreement goes to its seller. For the owner.',
  method: 'POST',
  path: '/agents/{agent_id}/approvals/{request_id}/approve',
  auth: owners,
  params,
  body,
  response: approval,
  status: 200,
  errors,
  example: { params: ids, body: { note: decided.note }, response: { ...decided, status: 'approved' } },
});

/** POST /agents/{agent_id}/approvals/{request_id}/reject */
export const reject = Endpoint.from({
  summary: 'Refuses what an agent wants to spend. For the owner.',
  method: 'POST',
  path: '/agents/{agent_id}/approvals/{request_id}/reject',
  auth: owners,
  params,
  body,
  response: approval,
  status: 200,
  errors,
  example: {
    params: ids,
    body: { note: 'Too dear.' },
    response: { ...decided, note: 'Too dear.', status: 'rejected' },
  },
});
