import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount, positiveDecimalAmount } from '../../resources/amount.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { id, timestamp } from '../../resources/values.js';

const ORG = 'org_01kb3x9v7f5m2q8r4t6w0y1z3a';
const auth = anyOf('admin');
const toolName = z.enum(['reconcile', 'replay', 'adopt'], { error: 'must be reconcile, replay or adopt' });

/** GET /admin/tools */
export const tools = Endpoint.from({
  summary: 'Names what can be run by POST /admin/tools/{tool}.',
  method: 'GET',
  path: '/admin/tools',
  auth,
  response: z.object({ tools: z.array(toolName) }),
  status: 200,
  example: { response: { tools: ['reconcile', 'replay', 'adopt'] } },
});

const run = {
  auth,
  audited: 'itself',
  body: z.object({
    params: z
      .object({
        /** Of replay: deliveries that were given up since then; of the last day without it. */
        since: z.iso.datetime({ error: 'must be a time such as 2026-02-26T20:10:00Z' }).optional(),
      })
      .optional(),
  }),
  response: z.object({
    tool: toolName,
    /** `failed` when something was found that must not be. */
    status: z.enum(['completed', 'failed']),
    /** What was looked at or done, and how often. */
    report: z.record(z.string(), z.number()),
    /** What is wrong, a sentence each; the first hundred. */
    findings: z.array(z.string()),
  }),
  status: 200,
} as const;

/** POST /admin/tools/reconcile */
export const reconcile = Endpoint.from({
  ...run,
  summary:
    'Recomputes the books from their postings, checks their hash chains, and compares custody with the chains.',
  method: 'POST',
  path: '/admin/tools/reconcile',
  example: {
    body: {},
    response: { tool: 'reconcile', status: 'completed', report: { differences: 0 }, findings: [] },
  },
});

/** POST /admin/tools/replay */
export const replay = Endpoint.from({
  ...run,
  summary: 'Sends the events again that webhooks did not take, with the same ids and bodies.',
  method: 'POST',
  path: '/admin/tools/replay',
  example: {
    body: { params: { since: '2026-02-26T20:10:00Z' } },
    response: { tool: 'replay', status: 'completed', report: { deliveries: 2 }, findings: [] },
  },
});

/** POST /admin/tools/adopt */
export const adopt = Endpoint.from({
  ...run,
  summary:
    'Books what the treasury has beside the books as money that the platform has put there itself, or taken out; while nothing moves.',
  method: 'POST',
  path: '/admin/tools/adopt',
  example: {
    body: {},
    response: { tool: 'adopt', status: 'completed', report: { micro_usdc: 5_000_000 }, findings: [] },
  },
});

/** GET /admin/wallets */
export const wallets = Endpoint.from({
  summary: 'Lists the wallets in USDC and what they hold, newest first.',
  method: 'GET',
  path: '/admin/wallets',
  auth,
  query: pageQuery,
  response: pageOf(
    'wallets',
    z.object({
      id: z.string(),
      owner_id: z.string(),
      /** Held money included. */
      balance_usdc: decimalAmount,
      available_usdc: decimalAmount,
      created_at: timestamp,
    }),
  ),
  status: 200,
  example: {
    response: {
      wallets: [
        {
          id: 'wallet_01kb3x9v7f5m2q8r4t6w0y1z3b',
          owner_id: ORG,
          balance_usdc: '10000.00',
          available_usdc: '9960.00',
          created_at: '2026-02-26T20:10:00Z',
        },
      ],
      total: 1,
    },
  },
});

/** GET /admin/stats */
export const stats = Endpoint.from({
  summary:
    'Counts organizations that subscribe or have spent this month, and what everybody spent this month (UTC).',
  method: 'GET',
  path: '/admin/stats',
  auth,
  response: z.object({
    active_orgs: z.number(),
    monthly_usdc: decimalAmount,
    month: z.string(),
  }),
  status: 200,
  example: { response: { active_orgs: 120, monthly_usdc: '54000.00', month: '2026-02' } },
});

/** POST /admin/grants */
export const grant = Endpoint.from({
  summary: 'Gives an organization money.',
  method: 'POST',
  path: '/admin/grants',
  auth,
  idempotent: true,
  body: z.object({ org_id: id('org'), amount_usdc: positiveDecimalAmount }),
  response: z.object({ grant_id: z.string(), status: z.literal('issued') }),
  status: 200,
  errors: ['org_not_found'],
  example: {
    body: { org_id: ORG, amount_usdc: '500.00' },
    response: { grant_id: 'gr_01kb3x9v7f5m2q8r4t6w0y1z3s', status: 'issued' },
  },
});

/** GET /admin/grants */
export const grants = Endpoint.from({
  summary: 'Lists what organizations were given, newest first.',
  method: 'GET',
  path: '/admin/grants',
  auth,
  query: pageQuery.extend({ org_id: id('org').optional() }),
  response: pageOf(
    'grants',
    z.object({ id: z.string(), org_id: z.string(), amount_usdc: decimalAmount, created_at: timestamp }),
  ),
  status: 200,
  example: {
    response: {
      grants: [
        {
          id: 'gr_01kb3x9v7f5m2q8r4t6w0y1z3s',
          org_id: ORG,
          amount_usdc: '500.00',
          created_at: '2026-02-26T20:10:00Z',
        },
      ],
      total: 1,
    },
  },
});

/** GET /admin/reliability */
export const reliability = Endpoint.from({
  summary: 'Says how the calls of all agents were answered in the last 30 days.',
  method: 'GET',
  path: '/admin/reliability',
  auth,
  response: z.object({ uptime: z.string(), p95_ms: z.number(), calls: z.number() }),
  status: 200,
  example: { response: { uptime: '99.98%', p95_ms: 740, calls: 12_000 } },
});
