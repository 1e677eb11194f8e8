import { numberBounds, textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { decimalAmount, positiveDecimalAmount } from './amount.js';
import { httpUrl, id, line } from './values.js';

/** Ids of the examples. */
export const LISTING = 'agt_01kb3x9v7f5m2q8r4t6w0y1z3q';
export const CONTRACT = 'sla_01kb3x9v7f5m2q8r4t6w0y1z3r';
export const ORG = 'org_01kb3x9v7f5m2q8r4t6w0y1z3s';
/** The path of everything about one listing. */
export const listingParams = z.object({ agent_id: id('listing') });
/** A private one is found by its developer, and by members and gateways of the organizations that have it in a private marketplace. */
export const visibility = z.enum(['public', 'private'], { error: 'must be public or private' });
export const listingStatus = z.enum(['pending', 'active', 'suspended']);
export const percent = z
  .string({ error: 'must be a percentage such as 99.9%' })
  .regex(/^(100|\d{1,2})(\.\d{1,3})?%$/, 'must be a percentage such as 99.9%');
export const versionText = line(textBounds.version);

const method = z.object({
  name: line(textBounds.method),
  description: line(textBounds.description).optional(),
  price_usdc: positiveDecimalAmount,
});
export const givenMethods = z.array(method, { error: 'must be a list of methods' }).max(numberBounds.methods);
export const shownMethods = z.array(
  z.object({
    id: z.string(),
    name: z.string(),
    description: z.string().nullable(),
    price_usdc: decimalAmount,
  }),
);
export const shownMethod = {
  id: 'tool_01kb3x9v7f5m2q8r4t6w0y1z3t',
  name: 'summarize',
  description: null,
  price_usdc: '0.01',
};

/** What is promised. A call that takes longer than `max_completion_seconds` has failed. */
export const slaPromise = z.object({
  uptime: percent.optional(),
  p95_ms: z.int().min(1).max(86_400_000).optional(),
  max_completion_seconds: z.int().min(1).max(numberBounds.slaSeconds).optional(),
});

export const listingDetails = {
  description: line(textBounds.description).optional(),
  /** Where it is called: `POST`, JSON `{call_id, agent_id, method, input}`; its JSON response is the output. */
  endpoint_url: httpUrl.optional(),
  /** Instead: a service of the runtime API, which is called where it is. */
  service_id: id('service').optional(),
  regions: z.array(line(textBounds.region), { error: 'must be a list of regions' }).max(20).optional(),
  visibility: visibility.optional(),
  methods: givenMethods.optional(),
  sla: slaPromise.optional(),
};

export const listingSummary = z.object({
  id: z.string(),
  name: z.string(),
  category: z.string(),
  description: z.string().nullable(),
  regions: z.array(z.string()),
  /** Price of the cheapest method; null without one. */
  from_usdc: decimalAmount.nullable(),
});
export const listingExample = {
  id: LISTING,
  name: 'DataBot',
  category: 'analytics',
  description: null,
  regions: ['us-east'],
  from_usdc: '0.01',
};

/** How calls were answered. */
export const measured = {
  uptime: percent,
  /** To 5 %; 0 without a call. */
  p95_ms: z.number(),
  /** Calls that this is of. */
  calls: z.number(),
};
