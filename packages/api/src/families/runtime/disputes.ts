import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { positiveAmount } from '../../resources/amount.js';
import { givenEvidence } from '../../resources/evidence.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { id, line, lines, timestamp } from '../../resources/values.js';

const DISPUTE = 'disp_01kb3x9v7f5m2q8r4t6w0y1z3k';
const PAYMENT = 'tx_01kb3x9v7f5m2q8r4t6w0y1z3c';
const params = z.object({ dispute_id: id('dispute') });
const statuses = ['open', 'under_review', 'withdrawn', 'resolved_refunded', 'resolved_denied'] as const;

const dispute = z.object({
  id: z.string(),
  status: z.enum(statuses),
  /** What it is about is one of the two. */
  payment_id: z.string().nullable(),
  agreement_id: z.string().nullable(),
  reason: z.string(),
  description: z.string().nullable(),
  /** What the operator wrote about the decision. */
  note: z.string().nullable(),
  created_at: timestamp,
  resolved_at: timestamp.nullable(),
});
const evidence = z.object({
  id: z.string(),
  dispute_id: z.string(),
  /** Who gave it. */
  party_id: z.string(),
  type: z.string(),
  content: z.string(),
  created_at: timestamp,
});

const example = {
  id: DISPUTE,
  status: 'open',
  payment_id: PAYMENT,
  agreement_id: null,
  reason: 'service_not_delivered',
  description: 'Agent did not receive expected data',
  note: null,
  created_at: '2026-05-08T12:00:00Z',
  resolved_at: null,
};
const evidenceExample = {
  id: 'evd_01kb3x9v7f5m2q8r4t6w0y1z3m',
  dispute_id: DISPUTE,
  party_id: 'agent_01kb3x9v7f5m2q8r4t6w0y1z3a',
  type: 'log_excerpt',
  content: 'no response received within 30s',
  created_at: '2026-05-08T12:01:00Z',
};

/** POST /v1/disputes */
export const create = Endpoint.from({
  summary: 'Opens the one dispute about a completed payment. For its payer and its payee.',
  method: 'POST',
  path: '/v1/disputes',
  auth: anyOf('agent'),
  tool: { destructive: false },
  body: z.object({
    payment_id: id('transaction'),
    reason: line(textBounds.reason),
    description: lines(textBounds.description).optional(),
  }),
  response: dispute,
  status: 201,
  errors: ['payment_not_found', 'payment_wrong_state', 'dispute_window_closed', 'duplicate_dispute'],
  example: {
    body: { payment_id: PAYMENT, reason: example.reason, description: example.description },
    response: example,
  },
});

/** GET /v1/disputes */
export const list = Endpoint.from({
  summary:
    'Lists disputes about payments and agreements of the caller, newest first; all of them for the operator.',
  method: 'GET',
  path: '/v1/disputes',
  auth: anyOf('agent', 'admin'),
  tool: {},
  query: pageQuery.extend({ status: z.enum(statuses).optional() }),
  response: pageOf('disputes', dispute),
  status: 200,
  example: { query: { status: 'open' }, response: { disputes: [example], total: 1 } },
});

/** GET /v1/disputes/{dispute_id} */
export const get = Endpoint.from({
  summary: 'Reads a dispute with its evidence.',
  method: 'GET',
  path: '/v1/disputes/{dispute_id}',
  auth: anyOf('agent', 'admin'),
  tool: {},
  params,
  response: dispute.extend({ evidence: z.array(evidence) }),
  status: 200,
  errors: ['dispute_not_found'],
  example: { params: { dispute_id: DISPUTE }, response: { ...example, evidence: [evidenceExample] } },
});

/** POST /v1/disputes/{dispute_id}/evidence */
export const addEvidence = Endpoint.from({
  summary: 'Adds evidence, text or base64, until the dispute is decided.',
  method: 'POST',
  path: '/v1/disputes/{dispute_id}/evidence',
  auth: anyOf('agent'),
  tool: { destructive: false },
  params,
  body: givenEvidence,
  response: evidence,
  status: 201,
  errors: ['dispute_not_found', 'dispute_wrong_state', 'conflict'],
  example: {
    params: { dispute_id: DISPUTE },
    body: { type: evidenceExample.type, content: evidenceExample.content },
    response: evidenceExample,
  },
});

/** POST /v1/disputes/{dispute_id}/withdraw */
export const withdraw = Endpoint.from({
  summary: 'Takes a dispute back before it is reviewed. For who opened it.',
  method: 'POST',
  path: '/v1/disputes/{dispute_id}/withdraw',
  auth: anyOf('agent'),
  tool: {},
  params,
  response: dispute,
  status: 200,
  errors: ['dispute_not_found', 'forbidden', 'dispute_wrong_state', 'agreement_wrong_state'],
  example: { params: { dispute_id: DISPUTE }, response: { ...example, status: 'withdrawn' } },
});

/** POST /v1/disputes/{dispute_id}/review */
export const review = Endpoint.from({
  summary: 'Takes a dispute up. For the operator.',
  method: 'POST',
  path: '/v1/disputes/{dispute_id}/review',
  auth: anyOf('admin'),
  params,
  response: dispute,
  status: 200,
  errors: ['dispute_not_found', 'dispute_wrong_state'],
  example: { params: { dispute_id: DISPUTE }, response: { ...example, status: 'under_review' } },
});

/** POST /v1/disputes/{dispute_id}/resolve */
export const resolve = Endpoint.from({
  summary:
    'Decides a dispute: refund gives the payer the amount back, the fee stays; of an agreement what was used, or a part. For the operator.',
  method: 'POST',
  path: '/v1/disputes/{dispute_id}/resolve',
  auth: anyOf('admin'),
  params,
  body: z.object({
    resolution: z.enum(['refund', 'deny'], { error: 'must be refund or deny' }),
    /** Of an agreement: how much of what was used the buyer gets back; all of it unless told. */
    refund_amount: positiveAmount.optional(),
    note: line(textBounds.description).optional(),
  }),
  response: dispute,
  status: 200,
  errors: ['dispute_not_found', 'dispute_wrong_state', 'agreement_wrong_state'],
  example: {
    params: { dispute_id: DISPUTE },
    body: { resolution: 'refund', note: 'The logs show no response.' },
    response: {
      ...example,
      status: 'resolved_refunded',
      note: 'The logs show no response.',
      resolved_at: '2026-05-09T12:00:00Z',
    },
  },
});
