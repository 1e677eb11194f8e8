import type { payments } from '@agentpay/core';
import { AgentPayError } from '@agentpay/primitives';
import { z } from 'zod';
import { centsOf, type StripeClient } from './StripeClient.js';

const refundObject = z.object({
  id: z.string(),
  status: z.string(),
  failure_reason: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
});
const refundList = z.object({ data: z.array(refundObject), has_more: z.boolean() });

/** How the rail gives money back: to the card that was charged, from the connected account that was paid. */
export function stripeRefunds(
  client: StripeClient,
): Pick<payments.Rail, 'bringsBack' | 'acceptsRefund' | 'authorizeRefund' | 'refund'> {
  return {
    bringsBack: true,
    acceptsRefund({ amount, toExternal }) {
      centsOf(amount);
      if (toExternal === null) return;
      throw new AgentPayError('invalid_request', 'Stripe gives money back to where it came from.', {
        param: 'toExternal',
      });
    },
    authorizeRefund: async ({ reference }) => ({ intent: reference }),
    refund: (_payment, refund) => giveBack(client, refund),
  };
}

/**
 * Takes the money back from the connected account and gives it to the card, once: a refund carries our id, by which it is looked for
 * before it is asked for again, since Stripe forgets idempotency keys after a day.
 */
async function giveBack(
  client: StripeClient,
  { id, amount, proof }: payments.Refund,
): Promise<payments.RailStatus> {
  const { intent } = proof as { readonly intent: string };
  const known = await client.get(`/v1/refunds?payment_intent=${intent}&limit=100`, refundList);
  if (known.kind !== 'ok') return { status: 'unknown' };
  const earlier = known.body.data.find(({ metadata }) => metadata?.['agentpay_refund'] === id);
  if (earlier) return refundState(earlier);
  // It may be among those that were not listed.
  if (known.body.has_more) return { status: 'unknown' };
  const fields = {
    payment_intent: intent,
    amount: centsOf(amount),
    reverse_transfer: 'true',
    'metadata[agentpay_refund]': id,
  };
  const made = await client.post('/v1/refunds', refundObject, { fields, key: id });
  if (made.kind === 'ok') return refundState(made.body);
  return made.kind === 'refused' ? { status: 'failed', reason: made.code } : { status: 'unknown' };
}

function refundState(refund: z.output<typeof refundObject>): payments.RailStatus {
  const { id: reference, status, failure_reason: reason } = refund;
  if (status === 'succeeded') return { status: 'completed', reference };
  if (status === 'failed' || status === 'canceled') return { status: 'failed', reason: reason ?? status };
  return { status: 'settling', reference };
}
