import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from './credentials.js';
import { Endpoint } from './Endpoint.js';
import { dollars } from './resources/amount.js';
import { httpUrl, line } from './resources/values.js';

/** Longest body that is shown to a model. */
export const MAX_SHOWN_BYTES = 256 * 1024;

const payment = z.object({
  /** How it was asked for: x402v2, x402v1, mpp or token. */
  dialect: z.string(),
  /** Base units of the asset. */
  amount: z.string(),
  asset: z.string(),
  network: z.string(),
  pay_to: z.string(),
  /** Hash of the transfer, as the seller names it. */
  transaction: z.string().optional(),
  token_id: z.string().optional(),
  /** The payment in the account of who paid. */
  transaction_id: z.string().optional(),
});

/** What was paid for a response that `fetch_paid` gives. */
export type PaymentShown = z.output<typeof payment>;

const definition = Endpoint.from({
  summary:
    'Fetches a URL and pays when the server asks for payment (HTTP 402), at most max_amount dollars and never above the limits.',
  method: 'POST',
  path: '/mcp',
  auth: anyOf('agentKey', 'apiKey'),
  tool: {
    description:
      'After the error payment_unresolved call it again with the same input: nothing is paid twice.',
    repeatable: false,
    openWorld: true,
  },
  body: z.strictObject({
    url: httpUrl,
    method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']).default('GET'),
    headers: z.record(z.string().max(255), z.string().max(8192)).default({}),
    body: z.string().max(100_000).optional(),
    max_amount: dollars.optional(),
  }),
  response: z.object({
    status: z.number(),
    content_type: z.string().nullable(),
    /** As text; null when there is too much of it. */
    body: z.string().nullable(),
    note: z.string().optional(),
    /** Null when nothing was asked for. */
    payment: payment.nullable(),
  }),
  status: 200,
  errors: [
    'policy_denied',
    'budget_exceeded',
    'insufficient_funds',
    'seller_not_402',
    'no_payment_header',
    'offer_not_acceptable',
    'payment_refused',
    'payment_unresolved',
    'payment_in_progress',
    'settlement_not_configured',
    'conflict',
  ],
  example: {
    body: { url: 'https://api.example.com/weather', max_amount: 0.05 },
    response: { status: 200, content_type: 'application/json', body: '{"sky":"blue"}', payment: null },
  },
});

/** The tool `fetch_paid` of whoever pays by themselves: no endpoint of its own, but described as one. */
export const fetchPaid = Object.freeze({ ...definition, id: 'runtime.fetch.paid' });

/** The same where the platform pays, which remembers the key of a purchase. */
export const fetchPaidByKey = Object.freeze({
  ...fetchPaid,
  idempotent: 'itself' as const,
  tool: {
    ...fetchPaid.tool,
    description:
      'Set idempotency_key, so that a repeated call pays once. After the error payment_unresolved, and once an approval was given, ' +
      'call it again with the same input and the idempotency_key that the error names: nothing is paid twice.',
  },
  body: fetchPaid.body.extend({ idempotency_key: line(textBounds.idempotencyKey).optional() }),
});

/** What a model is shown of a response. @param body undefined when it has more than {@link MAX_SHOWN_BYTES}, or broke off */
export function showFetched({
  status,
  contentType,
  body,
  payment: paid,
}: {
  readonly status: number;
  readonly contentType: string | null;
  readonly body: Uint8Array | undefined;
  readonly payment: PaymentShown | null;
}): z.output<typeof fetchPaid.response> {
  return {
    status,
    content_type: contentType,
    body: body ? new TextDecoder().decode(body) : null,
    ...(!body && { note: `The body is longer than ${MAX_SHOWN_BYTES} bytes, or broke off.` }),
    payment: paid,
  };
}
