import { z } from 'zod';
import { eventType } from '../events/index.js';

/** A payment by token arrived. */
export const paymentCompleted = eventType('payment.completed', {
  id: z.string(),
  payment_id: z.string(),
  token_id: z.string(),
  service_id: z.string(),
  consumer_id: z.string(),
  provider_id: z.string(),
  amount: z.string(),
  fee: z.string(),
  currency: z.string(),
});
