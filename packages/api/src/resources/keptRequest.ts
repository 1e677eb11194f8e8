import * as z from 'zod';
import { timestamp } from './values.js';

/** A request to the API, as it is kept for who sent it. */
export const keptRequest = z.object({
  id: z.string(),
  /** As `X-Request-Id` of the response: the caller's own where one was sent. */
  request_id: z.string(),
  at: timestamp,
  /** Who sent it. */
  party_id: z.string(),
  /** `key_...`, or `admin` for the key of the operator; null for what asks for no credential. */
  credential_id: z.string().nullable(),
  method: z.string(),
  /** With the ids that were in it. */
  path: z.string(),
  /** The endpoint, as `runtime.payments.create`. */
  endpoint: z.string(),
  status: z.number(),
  /** Code of the error. */
  error: z.string().nullable(),
  duration_ms: z.number(),
  /** Ids of what it made. */
  made: z.array(z.string()),
  /** Ids in its path. */
  named: z.array(z.string()),
});

export const keptRequestExample = {
  id: 'req_01kb3x9v7f5m2q8r4t6w0y1z3s',
  request_id: 'req_01kb3x9v7f5m2q8r4t6w0y1z3s',
  at: '2026-05-08T12:00:00Z',
  party_id: 'agent_01kb3x9v7f5m2q8r4t6w0y1z3a',
  credential_id: 'key_01kb3x9v7f5m2q8r4t6w0y1z3p',
  method: 'POST',
  path: '/v1/payments',
  endpoint: 'runtime.payments.create',
  status: 201,
  error: null,
  duration_ms: 12,
  made: ['tx_01kb3x9v7f5m2q8r4t6w0y1z3c'],
  named: [],
};
