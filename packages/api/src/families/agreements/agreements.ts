import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount, positiveCents, positiveDecimalAmount } from '../../resources/amount.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { id, line, lines, timestamp, whole } from '../../resources/values.js';
import {
  accepted,
  address,
  ADDRESS,
  AGREEMENT,
  agreement,
  agreementExample,
  agreementStatus,
  completed,
  funding,
  ofAgreement,
  SERVICE,
  signature,
  submitting,
  typedData,
} from './resources.js';

/** The agents that agree. */
const agents = anyOf('agent', 'agentKey');
/** Them, their owners, and the operator. */
const readers = anyOf('agent', 'agentKey', 'session', 'developer', 'admin');
const ofIt = ['agreement_not_found', 'agreement_wrong_state'] as const;
const seconds = (least: number, most: number) => whole(least, most, 'seconds');

const proposal = z
  .object(
    {
      cap: positiveDecimalAmount.optional(),
      unit_price: positiveDecimalAmount.optional(),
      unit: line(textBounds.category).optional(),
      ends_at: timestamp.optional(),
      challenge_window_seconds: seconds(0, 2_592_000).optional(),
      sla_seconds: seconds(1, 86_400).optional(),
      description: line(textBounds.description).optional(),
    },
    { error: 'must be an object' },
  )
  .default({});

/** POST /usage-agreements */
export const create = Endpoint.from({
  summary:
    'Proposes an agreement to the provider of a service. What the terms leave out follows from the service: the cap is 100 calls.',
  method: 'POST',
  path: '/usage-agreements',
  auth: agents,
  tool: { destructive: false },
  idempotent: 'itself',
  body: z.object({
    service_id: id('service'),
    /** With it the money waits in the escrow on a chain, where one is configured. */
    buyer_wallet_address: address.optional(),
    funding: funding.optional(),
    settlement_model: z
      .enum(['escrow', 'direct_payment'], { error: 'must be escrow or direct_payment' })
      .default('escrow'),
    /** Of a direct payment, as are the next two: see GET /payment-requirements. */
    amount_cents: positiveCents.optional(),
    /** The payment as the header `PAYMENT-SIGNATURE` of x402 v2 has it. */
    payment_header: z.string({ error: 'must be text' }).max(16_384).optional(),
    /** Signature of the permit for the fee. */
    fee_permit: z
      .string({ error: 'must be a signature' })
      .regex(/^0x[0-9a-fA-F]{128,130}$/, 'must be a signature, 0x and 130 hexadecimal digits')
      .optional(),
    terms: proposal,
  }),
  response: agreement,
  status: 201,
  also: {
    status: 202,
    description: 'It waits for the approval of the owner.',
    when: ({ status }) => status === 'pending_approval',
  },
  errors: [
    'service_not_found',
    'service_not_active',
    'currency_mismatch',
    'policy_denied',
    'conflict',
    'settlement_not_configured',
    'payment_malformed',
    'payment_refused',
    'payment_already_used',
    'insufficient_funds',
  ],
  example: {
    body: { service_id: SERVICE, buyer_wallet_address: ADDRESS, terms: { cap: '0.20' } },
    response: agreementExample,
  },
});

/** GET /usage-agreements */
export const list = Endpoint.from({
  summary: 'Lists the agreements of the caller or of its agents, newest first; all of them for the operator.',
  method: 'GET',
  path: '/usage-agreements',
  auth: readers,
  tool: {},
  query: pageQuery.extend({
    status: agreementStatus.optional(),
    role: z.enum(['buyer', 'seller'], { error: 'must be buyer or seller' }).optional(),
  }),
  response: pageOf('usage_agreements', agreement),
  status: 200,
  example: {
    query: { status: 'proposed', role: 'buyer' },
    response: { usage_agreements: [agreementExample], total: 1 },
  },
});

/** GET /usage-agreements/{agreement_id} */
export const get = Endpoint.from({
  summary: 'Reads an agreement.',
  method: 'GET',
  path: '/usage-agreements/{agreement_id}',
  auth: readers,
  tool: {},
  params: ofAgreement,
  response: agreement,
  status: 200,
  errors: ['agreement_not_found'],
  example: { params: { agreement_id: AGREEMENT }, response: agreementExample },
});

/** GET /usage-agreements/{agreement_id}/history */
export const history = Endpoint.from({
  summary: 'Lists what happened to an agreement, first to last.',
  method: 'GET',
  path: '/usage-agreements/{agreement_id}/history',
  auth: readers,
  params: ofAgreement,
  response: z.object({
    agreement_id: z.string(),
    history: z.array(z.object({ event: z.string(), status: agreementStatus, at: timestamp })),
  }),
  status: 200,
  errors: ['agreement_not_found'],
  example: {
    params: { agreement_id: AGREEMENT },
    response: {
      agreement_id: AGREEMENT,
      history: [{ event: 'agreement.proposed', status: 'proposed', at: agreementExample.created_at }],
    },
  },
});

/** PUT /usage-agreements/{agreement_id}/accept */
export const accept = Endpoint.from({
  summary: 'Takes a proposal. For the seller.',
  method: 'PUT',
  path: '/usage-agreements/{agreement_id}/accept',
  auth: agents,
  tool: { destructive: false },
  params: ofAgreement,
  /** On a chain the seller is paid there; absent: in the wallet that the platform keeps for them. */
  body: z.object({ seller_wallet_address: address.optional() }),
  response: agreement,
  status: 200,
  errors: [...ofIt, 'forbidden'],
  example: { params: { agreement_id: AGREEMENT }, body: {}, response: accepted },
});

/** PUT /usage-agreements/{agreement_id}/reject */
export const reject = Endpoint.from({
  summary: 'Does not take a proposal. For the seller.',
  method: 'PUT',
  path: '/usage-agreements/{agreement_id}/reject',
  auth: agents,
  tool: {},
  params: ofAgreement,
  body: z.object({ reason: line(textBounds.description).optional() }),
  response: agreement,
  status: 200,
  errors: [...ofIt, 'forbidden'],
  example: {
    params: { agreement_id: AGREEMENT },
    body: { reason: 'The cap is too low.' },
    response: { ...agreementExample, status: 'rejected', reason: 'The cap is too low.' },
  },
});

/** GET /usage-agreements/{agreement_id}/activation-package */
export const activationPackage = Endpoint.from({
  summary: 'Gives what the buyer signs to activate an agreement. In the sandbox there is nothing to sign.',
  method: 'GET',
  path: '/usage-agreements/{agreement_id}/activation-package',
  auth: agents,
  tool: {},
  params: ofAgreement,
  response: z.object({
    agreement_id: z.string(),
    funding,
    /** EIP-712 data of `ReceiveWithAuthorization` (EIP-3009), integers as decimal text; null where nothing is signed. */
    activation_intent: typedData.nullable(),
    infra_fee: z.object({ pending: z.boolean(), amount: decimalAmount, permit: typedData.nullable() }),
  }),
  status: 200,
  errors: [...ofIt, 'forbidden', 'settlement_not_configured', 'unavailable'],
  example: {
    params: { agreement_id: AGREEMENT },
    response: {
      agreement_id: AGREEMENT,
      funding: 'sandbox',
      activation_intent: null,
      infra_fee: { pending: false, amount: '0.00', permit: null },
    },
  },
});

/** POST /usage-agreements/{agreement_id}/activate-escrow */
export const activate = Endpoint.from({
  summary:
    'Locks the cap, so that usage can begin. On a chain the money moves soon after: follow escrow-status. For the buyer.',
  method: 'POST',
  path: '/usage-agreements/{agreement_id}/activate-escrow',
  auth: agents,
  tool: {},
  params: ofAgreement,
  body: z.object({
    /** Of the `activation_intent`; nothing in the sandbox. */
    activation_signature: signature.optional(),
    /** Of the permit of `infra_fee`, where one is due. */
    infra_fee_permit: signature.optional(),
  }),
  response: agreement,
  status: 202,
  errors: [
    ...ofIt,
    'forbidden',
    'policy_denied',
    'insufficient_funds',
    'conflict',
    'facilitator_unavailable',
    'settlement_not_configured',
    'unavailable',
  ],
  example: {
    params: { agreement_id: AGREEMENT },
    body: { activation_signature: `0x${'5a'.repeat(65)}` },
    response: submitting,
  },
});

/** GET /usage-agreements/{agreement_id}/escrow-status */
export const escrowStatus = Endpoint.from({
  summary: 'Reads what is locked, used and left, and how far activation and settlement are.',
  method: 'GET',
  path: '/usage-agreements/{agreement_id}/escrow-status',
  auth: readers,
  tool: {},
  params: ofAgreement,
  response: agreement
    .pick({
      agreement_id: true,
      status: true,
      cap: true,
      used: true,
      remaining: true,
      activation_tx_hash: true,
      settlement_tx_hash: true,
      challenge_ends_at: true,
    })
    .extend({
      submitted_at: timestamp.nullable(),
      /** Whether the activation has waited for its transaction for too long. */
      stuck: z.boolean(),
    }),
  status: 200,
  errors: ['agreement_not_found'],
  example: {
    params: { agreement_id: AGREEMENT },
    response: {
      agreement_id: AGREEMENT,
      status: 'active',
      cap: '0.20',
      used: '0.02',
      remaining: '0.18',
      activation_tx_hash: null,
      settlement_tx_hash: null,
      challenge_ends_at: null,
      submitted_at: '2026-05-08T13:06:00Z',
      stuck: false,
    },
  },
});

/** POST /usage-agreements/{agreement_id}/record-usage */
export const recordUsage = Endpoint.from({
  summary:
    'Counts usage that the seller measured, once for each event and never above the cap. For the seller.',
  method: 'POST',
  path: '/usage-agreements/{agreement_id}/record-usage',
  auth: agents,
  tool: {},
  rate: 'lifecycle',
  params: ofAgreement,
  body: z.object({
    units: whole(1, 1_000_000_000).default(1),
    /** Under which it is counted once. */
    event_id: line(textBounds.idempotencyKey).optional(),
  }),
  response: z.object({
    recorded: z.literal(true),
    agreement_id: z.string(),
    usage_id: z.string(),
    event_id: z.string(),
    units: z.number(),
    amount: decimalAmount,
    status: agreementStatus,
    used: decimalAmount,
    remaining: decimalAmount,
  }),
  status: 200,
  errors: [...ofIt, 'forbidden', 'usage_exhausted', 'conflict'],
  example: {
    params: { agreement_id: AGREEMENT },
    body: { units: 1, event_id: 'call-17' },
    response: {
      recorded: true,
      agreement_id: AGREEMENT,
      usage_id: 'use_01kb3x9v7f5m2q8r4t6w0y1z3d',
      event_id: 'call-17',
      units: 1,
      amount: '0.002',
      status: 'active',
      used: '0.002',
      remaining: '0.198',
    },
  },
});

/** POST /usage-agreements/{agreement_id}/complete */
export const complete = Endpoint.from({
  summary:
    'Ends the usage: the challenge window begins, and after it the seller is paid. For buyer and seller.',
  method: 'POST',
  path: '/usage-agreements/{agreement_id}/complete',
  auth: agents,
  tool: {},
  params: ofAgreement,
  response: agreement,
  status: 200,
  errors: ofIt,
  example: { params: { agreement_id: AGREEMENT }, response: completed },
});

/** POST /usage-agreements/{agreement_id}/challenge */
export const challenge = Endpoint.from({
  summary: 'Objects within the challenge window: a dispute decides how the money is split. For the buyer.',
  method: 'POST',
  path: '/usage-agreements/{agreement_id}/challenge',
  auth: agents,
  tool: {},
  params: ofAgreement,
  body: z.object({
    reason: line(textBounds.reason),
    description: lines(textBounds.description).optional(),
  }),
  response: agreement.extend({ dispute_id: z.string() }),
  status: 200,
  errors: [...ofIt, 'forbidden'],
  example: {
    params: { agreement_id: AGREEMENT },
    body: { reason: 'calls_failed' },
    response: { ...completed, status: 'challenged', dispute_id: 'disp_01kb3x9v7f5m2q8r4t6w0y1z3k' },
  },
});
