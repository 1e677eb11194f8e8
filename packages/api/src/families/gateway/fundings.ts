import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount, positiveDecimalAmount } from '../../resources/amount.js';
import { id, line, timestamp } from '../../resources/values.js';

const FUNDING = 'fund_01kb3x9v7f5m2q8r4t6w0y1z3x';
const status = z.enum(['processing', 'settled', 'failed']);

/** POST /gateway/fund */
export const create = Endpoint.from({
  summary: 'Asks for money by card: it is pending until the card processor says that it came.',
  method: 'POST',
  path: '/gateway/fund',
  auth: anyOf('gateway'),
  body: z.object({ amount_usdc: positiveDecimalAmount, source: line(textBounds.fundingSource) }),
  response: z.object({
    funding_id: z.string(),
    status,
    /** With it the payer's browser completes the payment at Stripe; null where no card processor is configured. */
    client_secret: z.string().nullable().optional(),
  }),
  status: 200,
  errors: ['gateway_not_found', 'funding_source_unknown', 'settlement_not_configured'],
  example: {
    body: { amount_usdc: '100.00', source: 'stripe' },
    response: { funding_id: FUNDING, status: 'processing' },
  },
});

/** GET /gateway/fundings/{funding_id} */
export const get = Endpoint.from({
  summary: 'Reads a funding.',
  method: 'GET',
  path: '/gateway/fundings/{funding_id}',
  auth: anyOf('gateway'),
  tool: {},
  params: z.object({ funding_id: id('funding') }),
  response: z.object({
    funding_id: z.string(),
    status,
    amount_usdc: decimalAmount,
    source: z.enum(['stripe', 'x402']),
    failure: z.string().nullable(),
    created_at: timestamp,
  }),
  status: 200,
  errors: ['funding_not_found'],
  example: {
    params: { funding_id: FUNDING },
    response: {
      funding_id: FUNDING,
      status: 'settled',
      amount_usdc: '100.00',
      source: 'stripe',
      failure: null,
      created_at: '2026-02-26T20:10:00Z',
    },
  },
});

/** POST /gateway/addresses */
export const claim = Endpoint.from({
  summary:
    'Binds an address to the gateway: what it pays by x402 without a gateway key goes there, also what it has paid so already. ' +
    'Its owner signs (EIP-191) the text "AgentPay: gateway <gateway_id> claims <address in lower case>".',
  method: 'POST',
  path: '/gateway/addresses',
  auth: anyOf('gateway'),
  body: z.object({
    address: z
      .string({ error: 'must be an address' })
      .regex(/^0x[0-9a-fA-F]{40}$/, 'must be an address')
      .meta({ pattern: '^0x[0-9a-fA-F]{40}$' }),
    signature: z
      .string({ error: 'must be a signature' })
      .regex(/^0x[0-9a-fA-F]{130}$/, 'must be a signature of 65 bytes')
      .meta({ pattern: '^0x[0-9a-fA-F]{130}$' }),
  }),
  response: z.object({
    address: z.string(),
    /** What the address had paid without a key, and is the gateway's now. */
    received_usdc: decimalAmount,
  }),
  status: 200,
  errors: ['gateway_not_found', 'forbidden'],
  example: {
    body: { address: '0x70997970c51812dc3a010c7d01b50e0d17dc79c8', signature: `0x${'1'.repeat(130)}` },
    response: { address: '0x70997970c51812dc3a010c7d01b50e0d17dc79c8', received_usdc: '100.00' },
  },
});
