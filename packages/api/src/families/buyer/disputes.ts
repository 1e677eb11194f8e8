import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { givenEvidence } from '../../resources/evidence.js';
import { id, line, timestamp } from '../../resources/values.js';
import { complaint, complaintExample, side } from './complaint.js';
import { AGENT, ofAgent } from './resources.js';

const auth = anyOf('session');
const params = ofAgent.extend({ transaction_id: id('transaction') });
const TX = 'tx_01kb3x9v7f5m2q8r4t6w0y1z3e';

const evidence = z.object({
  id: z.string(),
  /** Whose agent gave it. */
  by: side,
  type: z.string(),
  content: z.string(),
  createdAt: timestamp,
});
const evidenceExample = {
  id: 'evd_01kb3x9v7f5m2q8r4t6w0y1z3m',
  by: 'payer',
  type: 'log_excerpt',
  content: 'no response received within 30s',
  createdAt: '2026-05-08T12:06:00Z',
};

const errors = ['agent_not_found', 'payment_not_found', 'dispute_not_found'] as const;
const example = { params: { id: AGENT, transaction_id: TX } };

/** GET /api/agents/{id}/transactions/{transaction_id}/dispute */
export const get = Endpoint.from({
  summary:
    'Reads the dispute about a payment that an agent made or received, with the evidence of both sides.',
  method: 'GET',
  path: '/api/agents/{id}/transactions/{transaction_id}/dispute',
  auth,
  params,
  response: complaint.extend({ evidence: z.array(evidence) }),
  status: 200,
  errors,
  example: { ...example, response: { ...complaintExample, evidence: [evidenceExample] } },
});

/** POST /api/agents/{id}/transactions/{transaction_id}/dispute/evidence */
export const addEvidence = Endpoint.from({
  summary: "Adds evidence for an agent's side, text or base64, until the dispute is decided.",
  method: 'POST',
  path: '/api/agents/{id}/transactions/{transaction_id}/dispute/evidence',
  auth,
  idempotent: true,
  params,
  body: givenEvidence.extend({ idempotency_key: line(textBounds.idempotencyKey).optional() }),
  response: evidence,
  status: 201,
  errors: [...errors, 'dispute_wrong_state', 'conflict'],
  example: {
    ...example,
    body: { type: evidenceExample.type, content: evidenceExample.content },
    response: evidenceExample,
  },
});

/** POST /api/agents/{id}/transactions/{transaction_id}/dispute/withdraw */
export const withdraw = Endpoint.from({
  summary: 'Takes a dispute back before it is reviewed. For the owner of the agent that opened it.',
  method: 'POST',
  path: '/api/agents/{id}/transactions/{transaction_id}/dispute/withdraw',
  auth,
  params,
  response: complaint,
  status: 200,
  errors: [...errors, 'forbidden', 'dispute_wrong_state'],
  example: { ...example, response: { ...complaintExample, status: 'withdrawn' } },
});
