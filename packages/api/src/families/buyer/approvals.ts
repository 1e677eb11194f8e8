import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount } from '../../resources/amount.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { id, line, timestamp } from '../../resources/values.js';
import { bought, boughtExample } from './bought.js';
import { AGENT, APPROVAL, ofAgent, SELLER } from './resources.js';

const auth = anyOf('session');
const params = ofAgent.extend({ approval_id: id('approval') });
const statuses = ['pending', 'approved', 'rejected', 'expired'] as const;

const approval = z.object({
  id: z.string(),
  status: z.enum(statuses),
  /** In units of the asset. */
  amount: decimalAmount,
  currency: z.string(),
  /** Address of the seller. */
  payTo: z.string(),
  /** "x402" or "mpp". */
  protocol: z.string(),
  /** The call that waits; null when it is no call of a seller. */
  method: z.string().nullable(),
  sellerUrl: z.string().nullable(),
  note: z.string().nullable(),
  createdAt: timestamp,
  /** Until when it is decided, and once approved used. */
  expiresAt: timestamp,
  decidedAt: timestamp.nullable(),
});
const example = {
  id: APPROVAL,
  status: 'pending',
  amount: '0.01',
  currency: 'USDC@base-sepolia',
  payTo: SELLER.toLowerCase(),
  protocol: 'x402',
  method: 'GET',
  sellerUrl: 'https://api.example.com/resource',
  note: null,
  createdAt: '2026-05-08T12:00:00Z',
  expiresAt: '2026-05-09T12:00:00Z',
  decidedAt: null,
};
const decided = {
  ...example,
  expiresAt: '2026-05-09T12:01:00Z',
  decidedAt: '2026-05-08T12:01:00Z',
};
const decision = z.object({ note: line(textBounds.description).optional() });

/** GET /api/agents/{id}/approvals */
export const list = Endpoint.from({
  summary: 'Lists what an agent wanted to spend above its threshold, newest first.',
  method: 'GET',
  path: '/api/agents/{id}/approvals',
  auth: anyOf('session', 'agentKey'),
  params: ofAgent,
  query: pageQuery.extend({ status: z.enum(statuses).optional() }),
  response: pageOf('approvals', approval),
  status: 200,
  errors: ['agent_not_found'],
  example: { params: { id: AGENT }, response: { approvals: [example], total: 1 } },
});

/** GET /api/agents/{id}/approvals/{approval_id} */
export const get = Endpoint.from({
  summary: 'Reads an approval with what came of the call that it is about.',
  method: 'GET',
  path: '/api/agents/{id}/approvals/{approval_id}',
  auth: anyOf('session', 'agentKey'),
  params,
  response: approval.extend({
    /** How far the call is: "waiting", "in_progress", "paid", or "failed": it ended without payment, or the seller refused to deliver. */
    outcome: z.enum(['waiting', 'in_progress', 'paid', 'failed']),
    /** Why it failed. */
    reason: z.string().nullable(),
    /** What the agent would have got at once, for a day after it was paid. */
    result: bought.nullable(),
  }),
  status: 200,
  errors: ['agent_not_found', 'approval_not_found'],
  example: {
    params: { id: AGENT, approval_id: APPROVAL },
    response: { ...decided, status: 'approved', outcome: 'paid', reason: null, result: boughtExample },
  },
});

/** POST /api/agents/{id}/approvals/{approval_id}/approve */
export const approve = Endpoint.from({
  summary: 'Allows one payment: exactly the call that was asked for then goes on by itself.',
  method: 'POST',
  path: '/api/agents/{id}/approvals/{approval_id}/approve',
  auth,
  params,
  body: decision,
  response: approval,
  status: 200,
  errors: ['agent_not_found', 'approval_not_found', 'approval_wrong_state'],
  example: {
    params: { id: AGENT, approval_id: APPROVAL },
    body: { note: 'Within the budget.' },
    response: { ...decided, note: 'Within the budget.', status: 'approved' },
  },
});

/** POST /api/agents/{id}/approvals/{approval_id}/reject */
export const reject = Endpoint.from({
  summary: 'Ends a payment that waits: nothing is signed.',
  method: 'POST',
  path: '/api/agents/{id}/approvals/{approval_id}/reject',
  auth,
  params,
  body: decision,
  response: approval,
  status: 200,
  errors: ['agent_not_found', 'approval_not_found', 'approval_wrong_state'],
  example: {
    params: { id: AGENT, approval_id: APPROVAL },
    body: { note: 'Too dear.' },
    response: { ...decided, note: 'Too dear.', status: 'rejected' },
  },
});
