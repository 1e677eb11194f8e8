import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount } from '../../resources/amount.js';
import { httpUrl } from '../../resources/values.js';

const TRANSACTION = 'tx_01kb3x9v7f5m2q8r4t6w0y1z3a';

/** POST /v1/pay */
export const create = Endpoint.from({
  summary:
    'Pays what a 402 asks for, from the wallet of the key, and gives the proof to repeat the request with.',
  method: 'POST',
  path: '/v1/pay',
  auth: anyOf('apiKey'),
  tool: {
    description:
      'Send the PAYMENT-REQUIRED header of the 402 and the URL of the request; then repeat it with the header PAYMENT-SIGNATURE.',
  },
  idempotent: 'itself',
  body: z.object({
    /** Value of the header `PAYMENT-REQUIRED`. */
    paymentRequired: z
      .string({ error: 'must be text' })
      .min(1, 'must not be empty')
      .max(16_384, 'must have at most 16384 characters'),
    url: httpUrl,
    method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']).optional(),
  }),
  response: z.object({
    /** Value of the header `PAYMENT-SIGNATURE`. */
    paymentSignature: z.string(),
    /** Hash of the transaction that moved the money. */
    transaction: z.string(),
    transactionId: z.string(),
    network: z.string(),
    amount: decimalAmount,
    payer: z.string(),
  }),
  status: 200,
  errors: [
    'settlement_not_configured',
    'payment_malformed',
    'no_payment_header',
    'offer_not_acceptable',
    'policy_denied',
    'insufficient_funds',
    'payment_refused',
    'payment_unresolved',
    'payment_in_progress',
  ],
  example: {
    body: { paymentRequired: 'eyJ4NDAyVmVyc2lvbiI6Mn0=', url: 'https://api.example.com/resource' },
    response: {
      paymentSignature: 'eyJ4NDAyVmVyc2lvbiI6Mn0=',
      transaction: '0x3f1c...',
      transactionId: TRANSACTION,
      network: 'eip155:84532',
      amount: '0.01',
      payer: '0x1234...',
    },
  },
});
