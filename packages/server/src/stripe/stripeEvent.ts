import { createHmac, timingSafeEqual } from 'node:crypto';
import type { gateways } from '@agentpay/core';
import { AgentPayError, type Clock } from '@agentpay/primitives';
import { z } from 'zod';

/** How far the time of a signature may be off, in seconds. */
const TOLERANCE_SECONDS = 300;
/** Micro-units in a cent. */
const CENT = 10_000n;

/**
 * Checks the header `Stripe-Signature` over a raw body: `t=<seconds>,v1=<hex HMAC-SHA256 of "t.body">`, of several v1 any one
 * (https://docs.stripe.com/webhooks#verify-manually).
 * @throws AgentPayError `unauthorized`
 */
export function checkStripeSignature(
  header: string | undefined,
  body: Buffer,
  { secret, clock }: { readonly secret: string | undefined; readonly clock: Clock },
): void {
  const parts = (header ?? '').split(',').map((part) => part.trim().split('=') as [string, string?]);
  const time = parts.find(([name]) => name === 't')?.[1] ?? '';
  const signatures = parts.flatMap(([name, value]) => (name === 'v1' && value ? [value] : []));
  if (secret === undefined || !/^\d{1,12}$/.test(time)) throw refused('signature_malformed');
  const expected = createHmac('sha256', secret).update(`${time}.`).update(body).digest('hex');
  if (!signatures.some((given) => same(given, expected))) throw refused('signature_wrong');
  if (Math.abs(clock.now() / 1000 - Number(time)) > TOLERANCE_SECONDS) throw refused('signature_expired');
}

function same(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function refused(reason: string): AgentPayError {
  return new AgentPayError('unauthorized', 'Stripe-Signature is missing, wrong or too old.', { reason });
}

const text = z.string().max(500);
const event = z.object({
  id: text.min(1),
  type: text.min(1),
  data: z
    .object({
      object: z.object({
        id: text.optional(),
        amount: z.int().optional(),
        currency: text.optional(),
        payment_intent: text.nullish(),
        metadata: z.record(z.string(), z.unknown()).nullish(),
        failure_code: text.nullish(),
      }),
    })
    .optional(),
});

const news: Readonly<Record<string, 'succeed' | 'fail'>> = {
  'charge.succeeded': 'succeed',
  'payment_intent.succeeded': 'succeed',
  'charge.failed': 'fail',
  'payment_intent.payment_failed': 'fail',
  'payment_intent.canceled': 'fail',
};

/** What an event of Stripe says of a funding. @throws AgentPayError `invalid_json`, `invalid_request` */
export function readStripeEvent(body: Buffer): gateways.CardNews {
  const parsed = event.safeParse(jsonOf(body));
  if (!parsed.success) throw new AgentPayError('invalid_request', 'The body is no event of Stripe.');
  const { id, type, data } = parsed.data;
  const object = data?.object;
  const fundingId = object?.metadata?.['funding_id'];
  // A charge names its payment intent; a payment intent is one.
  const reference = object?.payment_intent ?? object?.id;
  const isDollars = object?.currency === undefined || object.currency.toLowerCase() === 'usd';
  return {
    eventId: id,
    type,
    fundingId: typeof fundingId === 'string' ? fundingId : undefined,
    reference,
    news: isDollars ? news[type] : undefined,
    amount: object?.amount === undefined ? undefined : BigInt(object.amount) * CENT,
    failure: object?.failure_code ?? undefined,
  };
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    throw new AgentPayError('invalid_json', 'The body is not valid JSON.');
  }
}
