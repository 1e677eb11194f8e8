import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { line, timestamp } from '../../resources/values.js';

const AGENT = 'agent_01kb3x9v7f5m2q8r4t6w0y1z3a';
const summary = z.record(z.string(), z.unknown()).nullable();

const entry = z.object({
  id: z.string(),
  at: timestamp,
  /** `key_...`, or `admin` for the key of the operator. */
  credential_id: z.string(),
  /** Who acted. */
  actor_id: z.string(),
  /** Whom it concerns. */
  tenant_ids: z.array(z.string()),
  /** `dispute.refund`, `policy.create`, `kill_switch.on`, ... */
  act: z.string(),
  /** What it was done to. */
  subject: z.string(),
  /** What was changed, as it was. */
  before: summary,
  /** The same afterwards. */
  after: summary,
  request_id: z.string().nullable(),
});

/** GET /v1/admin/audit-log */
export const list = Endpoint.from({
  summary:
    'Lists what the operator did, who changed keys and what owners allow, newest first: for an agent what concerns it, else everything.',
  method: 'GET',
  path: '/v1/admin/audit-log',
  auth: anyOf('agent', 'admin'),
  query: pageQuery.extend({
    /** For the operator: acts that concern this party. */
    tenant_id: line(textBounds.sought).optional(),
    actor_id: line(textBounds.sought).optional(),
    act: line(textBounds.sought).optional(),
    subject: line(textBounds.sought).optional(),
  }),
  response: pageOf('entries', entry),
  status: 200,
  example: {
    response: {
      entries: [
        {
          id: 'aud_01kb3x9v7f5m2q8r4t6w0y1z3r',
          at: '2026-05-08T13:00:00Z',
          credential_id: 'admin',
          actor_id: 'platform',
          tenant_ids: [AGENT],
          act: 'policy.create',
          subject: 'rule_01kb3x9v7f5m2q8r4t6w0y1z3d',
          before: null,
          after: { id: 'rule_01kb3x9v7f5m2q8r4t6w0y1z3d', kind: 'daily', amount: '150' },
          request_id: 'req_01kb3x9v7f5m2q8r4t6w0y1z3s',
        },
      ],
      total: 1,
    },
  },
});
