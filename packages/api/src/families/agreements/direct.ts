import * as z from 'zod';
import { anyOf, anyone } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount } from '../../resources/amount.js';
import { id } from '../../resources/values.js';
import { address, ADDRESS, AGREEMENT, agreementStatus, ofAgreement, SERVICE } from './resources.js';

const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
const SELLER_ADDRESS = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
const GAS_WALLET = '0x976EA74026E726554dB657fA54763abd0C3a0aa9';
const digits = z.string();

const tokenDomain = z.object({
  name: z.string(),
  version: z.string(),
  chainId: z.number(),
  verifyingContract: z.string(),
});
/** Typed data of EIP-712; integers as decimal text. */
const permit = z.object({
  domain: tokenDomain,
  types: z.object({ Permit: z.array(z.object({ name: z.string(), type: z.string() })) }),
  primaryType: z.literal('Permit'),
  message: z.object({
    owner: z.string(),
    spender: z.string(),
    value: digits,
    nonce: digits,
    deadline: digits,
  }),
});
/** One way to pay of x402 v2. */
const offer = z.object({
  scheme: z.string(),
  network: z.string(),
  amount: digits,
  asset: z.string(),
  payTo: z.string(),
  maxTimeoutSeconds: z.number(),
  extra: z.record(z.string(), z.unknown()),
});

const offerExample = {
  scheme: 'exact',
  network: 'eip155:84532',
  amount: '5000000',
  asset: USDC,
  payTo: SELLER_ADDRESS,
  maxTimeoutSeconds: 3_000,
  extra: { name: 'USDC', version: '2' },
};
const domainExample = { name: 'USDC', version: '2', chainId: 84_532, verifyingContract: USDC };
const addressType = (name: string) => ({ name, type: 'address' });
const numberType = (name: string) => ({ name, type: 'uint256' });
const permitExample = {
  domain: domainExample,
  types: {
    Permit: [...['owner', 'spender'].map(addressType), ...['value', 'nonce', 'deadline'].map(numberType)],
  },
  primaryType: 'Permit',
  message: {
    owner: ADDRESS,
    spender: GAS_WALLET,
    value: '103000',
    nonce: '0',
    deadline: '1778248800',
  },
};

/** GET /payment-requirements */
export const requirements = Endpoint.from({
  summary:
    'Tells what a direct purchase takes: the fee and its permit, the gas wallet that collects it, and the payment of a service.',
  method: 'GET',
  path: '/payment-requirements',
  auth: anyone,
  tool: {
    description:
      'Before a direct purchase. With service_id and buyer_address the response has all that the buyer signs.',
  },
  query: z.object({
    amount_cents: z
      .string({ error: 'must be whole cents' })
      .regex(/^[1-9]\d{0,9}$/, 'must be whole cents above zero'),
    rail: z.literal('stablecoin', { error: 'must be stablecoin' }).default('stablecoin'),
    service_id: id('service').optional(),
    buyer_address: address.optional(),
  }),
  response: z.object({
    amount_cents: z.number(),
    rail: z.literal('stablecoin'),
    network: z.string(),
    currency: z.string(),
    fee: z.object({
      amount: decimalAmount,
      /** How it comes about: the larger of `minimum` and `percent` of the amount and `fixed`. */
      percent: z.string(),
      fixed: decimalAmount,
      minimum: decimalAmount,
      /** What any buyer permits; `value` in base units of the token. */
      permit_terms: z.object({ domain: tokenDomain, spender: z.string(), value: digits }),
      /** What this buyer signs; null unless `buyer_address` is given. */
      permit: permit.nullable(),
    }),
    /** Amount and fee. */
    total: decimalAmount,
    /** Spender of the permit: it collects this fee and pays the gas for it. */
    gas_wallet_address: z.string(),
    service_id: z.string().nullable(),
    /** What the seller is paid, also as a 402 of x402 v2 has it; null unless `service_id` is given. */
    payment: offer
      .extend({
        x402Version: z.literal(2),
        resource: z.object({ url: z.string() }),
        accepts: z.array(offer),
      })
      .nullable(),
  }),
  status: 200,
  errors: ['settlement_not_configured', 'service_not_found', 'service_not_active', 'currency_mismatch'],
  example: {
    query: {
      amount_cents: '500',
      rail: 'stablecoin',
      service_id: SERVICE,
      buyer_address: ADDRESS,
    },
    response: {
      amount_cents: 500,
      rail: 'stablecoin',
      network: 'eip155:84532',
      currency: 'USDC',
      fee: {
        amount: '0.103',
        percent: '2',
        fixed: '0.003',
        minimum: '0.10',
        permit_terms: { domain: domainExample, spender: GAS_WALLET, value: '103000' },
        permit: permitExample,
      },
      total: '5.103',
      gas_wallet_address: GAS_WALLET,
      service_id: SERVICE,
      payment: {
        ...offerExample,
        x402Version: 2,
        resource: { url: 'https://pay.example.com/usage-agreements' },
        accepts: [offerExample],
      },
    },
  },
});

/** GET /usage-agreements/{agreement_id}/direct-payment */
export const get = Endpoint.from({
  summary: 'Reads how far a direct purchase is, with its transactions.',
  method: 'GET',
  path: '/usage-agreements/{agreement_id}/direct-payment',
  auth: anyOf('agent', 'agentKey', 'session', 'developer', 'admin'),
  tool: {},
  params: ofAgreement,
  response: z.object({
    agreement_id: z.string(),
    status: agreementStatus,
    reason: z.string().nullable(),
    network: z.string(),
    amount: decimalAmount,
    fee: decimalAmount,
    buyer_address: z.string(),
    seller_address: z.string(),
    fee_tx_hash: z.string().nullable(),
    payment_tx_hash: z.string().nullable(),
    /** Of the fee that was given back, since the payment failed. */
    fee_return_tx_hash: z.string().nullable(),
  }),
  status: 200,
  errors: ['agreement_not_found', 'agreement_wrong_state'],
  example: {
    params: { agreement_id: AGREEMENT },
    response: {
      agreement_id: AGREEMENT,
      status: 'executing_payment',
      reason: null,
      network: 'eip155:84532',
      amount: '5.00',
      fee: '0.103',
      buyer_address: ADDRESS.toLowerCase(),
      seller_address: SELLER_ADDRESS.toLowerCase(),
      fee_tx_hash: `0x${'5c'.repeat(32)}`,
      payment_tx_hash: null,
      fee_return_tx_hash: null,
    },
  },
});
