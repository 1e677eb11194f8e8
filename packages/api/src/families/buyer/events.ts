import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { id } from '../../resources/values.js';
import { AGENT, ofAgent } from './resources.js';

const MOST_SECONDS = 3600;
const EVENT = 'evt_01kb3x9v7f5m2q8r4t6w0y1z3h';

const seconds = z
  .string()
  .regex(/^\d{1,4}$/, 'must be a whole number of seconds')
  .default('300')
  .refine((text) => Number(text) <= MOST_SECONDS, `must be at most ${MOST_SECONDS}`);

/** GET /api/agents/{id}/events */
export const stream = Endpoint.events({
  summary: 'Streams what happens to an agent: payments, and approvals that are asked for and decided.',
  method: 'GET',
  path: '/api/agents/{id}/events',
  auth: anyOf('session', 'agentKey'),
  params: ofAgent,
  query: z.object({
    /** The last event that was received, at most a day old, as the header Last-Event-ID; from now on when absent. */
    after: id('event').optional(),
    /** After how long the stream ends; 0: once everything is told that has happened. */
    seconds,
  }),
  errors: ['agent_not_found'],
  example: { params: { id: AGENT }, query: { after: EVENT, seconds: '300' } },
});
