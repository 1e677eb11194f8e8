import * as z from 'zod';
import { anyone } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';

/** POST /stripe/webhook */
export const stripe = Endpoint.from({
  summary:
    'Takes an event of Stripe, signed over the body as it was sent, in the header Stripe-Signature; one that is about nothing here is ' +
    'received all the same. A signature that is missing, wrong or older than 300 s is answered with 401.',
  method: 'POST',
  path: '/stripe/webhook',
  auth: anyone,
  body: z.object({
    id: z.string(),
    type: z.string(),
    data: z.object({ object: z.record(z.string(), z.unknown()) }),
  }),
  response: z.object({ received: z.literal(true) }),
  status: 200,
  example: {
    body: {
      id: 'evt_1QhYx2Lkd7nVq0aBcDeFgHiJ',
      type: 'payment_intent.succeeded',
      data: {
        object: { id: 'pi_3QhYx2Lkd7nVq0aB', metadata: { funding_id: 'fund_01kb3x9v7f5m2q8r4t6w0y1z3x' } },
      },
    },
    response: { received: true },
  },
});
