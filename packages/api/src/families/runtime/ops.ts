import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { amount } from '../../resources/amount.js';
import { timestamp } from '../../resources/values.js';

/** GET /ops/public-alpha/state */
export const state = Endpoint.from({
  summary:
    'Shows the operator the sessions of the public sandbox, its settings, limits, queue and kill switch.',
  method: 'GET',
  path: '/ops/public-alpha/state',
  auth: anyOf('admin', 'demoAdmin'),
  response: z.object({
    /** Live ones, newest first, at most 1000. */
    sessions: z.array(
      z.object({
        session_id: z.string(),
        agent_id: z.string(),
        created_at: timestamp,
        expires_at: timestamp,
      }),
    ),
    settings: z.object({
      sandbox: z.boolean(),
      host_writes: z.boolean(),
      guest_writes: z.boolean(),
      session_ttl_seconds: z.number(),
      access_ttl_seconds: z.number(),
      invite_ttl_seconds: z.number(),
      invite_uses: z.number(),
      max_sessions: z.number(),
      rails: z.array(z.string()),
      payment_max: amount,
      funding_max: amount,
    }),
    rate_limits: z.object({ per_minute: z.number(), burst: z.number() }),
    /** Webhook deliveries that wait. */
    queue_depth: z.number(),
    kill_switch: z.boolean(),
  }),
  status: 200,
  example: {
    response: {
      sessions: [],
      settings: {
        sandbox: true,
        host_writes: true,
        guest_writes: false,
        session_ttl_seconds: 14400,
        access_ttl_seconds: 900,
        invite_ttl_seconds: 3600,
        invite_uses: 20,
        max_sessions: 1000,
        rails: ['internal', 'x402'],
        payment_max: 10,
        funding_max: 1000,
      },
      rate_limits: { per_minute: 1200, burst: 200 },
      queue_depth: 0,
      kill_switch: false,
    },
  },
});

/** POST /ops/public-alpha/kill-switch */
export const killSwitch = Endpoint.from({
  summary: 'Switches all spending off, or on again.',
  method: 'POST',
  path: '/ops/public-alpha/kill-switch',
  auth: anyOf('admin', 'demoAdmin'),
  body: z.object({ enabled: z.boolean({ error: 'must be true or false' }) }),
  response: z.object({ kill_switch: z.boolean() }),
  status: 200,
  example: { body: { enabled: true }, response: { kill_switch: true } },
});
