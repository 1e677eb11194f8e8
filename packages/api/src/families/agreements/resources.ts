import * as z from 'zod';
import { decimalAmount } from '../../resources/amount.js';
import { id, timestamp } from '../../resources/values.js';

export const AGREEMENT = 'ua_01kb3x9v7f5m2q8r4t6w0y1z3a';
export const APPROVAL = 'apr_01kb3x9v7f5m2q8r4t6w0y1z3p';
export const BUYER = 'agent_01kb3x9v7f5m2q8r4t6w0y1z3a';
export const SELLER = 'agent_01kb3x9v7f5m2q8r4t6w0y1z3b';
export const SERVICE = 'svc_01kb3x9v7f5m2q8r4t6w0y1z3c';
export const ADDRESS = '0x857b06519E91e3A54538791bDbb0E22373e36b66';

export const ofAgreement = z.object({ agreement_id: id('agreement') });

export const address = z
  .string({ error: 'must be an address' })
  .regex(/^0x[0-9a-fA-F]{40}$/, 'must be an address, 0x and 40 hexadecimal digits')
  .meta({ pattern: '^0x[0-9a-fA-F]{40}$' });

/** By a key or by an account with code. */
export const signature = z
  .string({ error: 'must be a signature' })
  .regex(/^0x(?:[0-9a-fA-F]{2}){65,4096}$/, 'must be a signature, 0x and hexadecimal digits')
  .meta({ pattern: '^0x(?:[0-9a-fA-F]{2}){65,4096}$' });

/** EIP-712. */
export const typedData = z.object({
  domain: z.record(z.string(), z.unknown()),
  types: z.record(z.string(), z.array(z.object({ name: z.string(), type: z.string() })).readonly()),
  primaryType: z.string(),
  message: z.record(z.string(), z.unknown()),
});

export const agreementStatus = z.enum([
  'pending_approval',
  'proposed',
  'accepted',
  'submitting',
  'activation_failed',
  'active',
  'challenge_window',
  'challenged',
  'settling',
  'settled',
  'rejected',
  'expired',
  'collecting_fee',
  'executing_payment',
  'returning_fee',
  'completed',
  'failed',
]);

/** What both sides agree on. */
const terms = z.object({
  /** The most that can be charged. */
  cap: decimalAmount,
  currency: z.string(),
  unit: z.string(),
  unit_price: decimalAmount,
  ends_at: timestamp,
  /** How long the buyer can object after usage has ended. */
  challenge_window_seconds: z.number(),
  /** What a call may take; null: nothing is promised. */
  sla_seconds: z.number().nullable(),
  description: z.string().nullable(),
});

export const funding = z.enum(['sandbox', 'onchain'], { error: 'must be sandbox or onchain' });

export const agreement = z.object({
  agreement_id: z.string(),
  status: agreementStatus,
  settlement_model: z.enum(['escrow', 'direct_payment']),
  /** Where the money waits: `sandbox`, on the books of the platform; `onchain`, in the escrow on a chain; `direct`: nowhere. */
  funding: z.enum([...funding.options, 'direct']),
  service_id: z.string(),
  buyer_agent_id: z.string(),
  seller_agent_id: z.string(),
  buyer_wallet_address: z.string().nullable(),
  /** Where the seller is paid on the chain. */
  seller_wallet_address: z.string().nullable(),
  /** CAIP-2 id of the chain; null in the sandbox. */
  network: z.string().nullable(),
  terms,
  cap: decimalAmount,
  used: decimalAmount,
  /** Set aside for calls under way. */
  reserved: decimalAmount,
  remaining: decimalAmount,
  /** Units that were counted. */
  units: z.number(),
  /** What the seller was paid. */
  paid: decimalAmount.nullable(),
  /** The approval that it waits for, or waited for. */
  request_id: z.string().nullable(),
  /** Why it was rejected, or why it failed. */
  reason: z.string().nullable(),
  activation_tx_hash: z.string().nullable(),
  settlement_tx_hash: z.string().nullable(),
  created_at: timestamp,
  accepted_at: timestamp.nullable(),
  submitted_at: timestamp.nullable(),
  activated_at: timestamp.nullable(),
  challenge_ends_at: timestamp.nullable(),
  ended_at: timestamp.nullable(),
});

const termsExample = {
  cap: '0.20',
  currency: 'USD',
  unit: 'call',
  unit_price: '0.002',
  ends_at: '2026-06-07T13:00:00Z',
  challenge_window_seconds: 86_400,
  sla_seconds: 30,
  description: null,
};

export const agreementExample = {
  agreement_id: AGREEMENT,
  status: 'proposed',
  settlement_model: 'escrow',
  funding: 'sandbox',
  service_id: SERVICE,
  buyer_agent_id: BUYER,
  seller_agent_id: SELLER,
  buyer_wallet_address: ADDRESS,
  seller_wallet_address: null,
  network: null,
  terms: termsExample,
  cap: '0.20',
  used: '0.00',
  reserved: '0.00',
  remaining: '0.20',
  units: 0,
  paid: null,
  request_id: null,
  reason: null,
  activation_tx_hash: null,
  settlement_tx_hash: null,
  created_at: '2026-05-08T13:00:00Z',
  accepted_at: null,
  submitted_at: null,
  activated_at: null,
  challenge_ends_at: null,
  ended_at: null,
};
export const accepted = { ...agreementExample, status: 'accepted', accepted_at: '2026-05-08T13:05:00Z' };
export const active = {
  ...accepted,
  status: 'active',
  submitted_at: '2026-05-08T13:06:00Z',
  activated_at: '2026-05-08T13:06:00Z',
};
const SELLER_ADDRESS = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C';
export const submitting = {
  ...accepted,
  status: 'submitting',
  funding: 'onchain',
  network: 'eip155:84532',
  seller_wallet_address: SELLER_ADDRESS,
  submitted_at: '2026-05-08T13:06:00Z',
};
export const completed = {
  ...active,
  status: 'challenge_window',
  used: '0.02',
  remaining: '0.18',
  units: 10,
  challenge_ends_at: '2026-05-09T14:00:00Z',
};
