import type { gateways } from '@agentpay/core';
import { z } from 'zod';
import { centsOf, type StripeClient } from './StripeClient.js';

const intent = z.object({ id: z.string().regex(/^pi_\w{1,120}$/), client_secret: z.string().nullish() });

/** Collects money by payment intents, which the payer's browser confirms. What becomes of one is told by events of Stripe. */
export function stripeCards(client: StripeClient): gateways.CardCollector {
  return {
    accepts: (amount) => void centsOf(amount),
    async collect({ id, amount }) {
      const fields = {
        amount: centsOf(amount),
        currency: 'usd',
        'automatic_payment_methods[enabled]': 'true',
        'metadata[funding_id]': id,
      };
      const made = await client.post('/v1/payment_intents', intent, { fields, key: id });
      if (made.kind === 'ok')
        return { status: 'open', reference: made.body.id, clientSecret: made.body.client_secret ?? null };
      return made.kind === 'refused' ? { status: 'refused', reason: made.code } : { status: 'unknown' };
    },
  };
}
