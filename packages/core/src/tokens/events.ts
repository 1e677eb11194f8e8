import { z } from 'zod';
import { eventType } from '../events/index.js';

const token = {
  token_id: z.string(),
  service_id: z.string(),
  consumer_id: z.string(),
  provider_id: z.string(),
  amount: z.string(),
  currency: z.string(),
};

/** Of a token whose call was paid. */
const paid = { ...token, payment_id: z.string() };

export const tokenReserved = eventType('token.reserved', token);
export const tokenSettled = eventType('token.settled', paid);
/** The payment of its call was given back by a decision against its provider. */
export const tokenRefunded = eventType('token.refunded', paid);
/** How a token ended whose money went back to its consumer. */
export const tokenReleased = {
  sla_breached: eventType('token.sla_breached', token),
  expired: eventType('token.expired', token),
  cancelled: eventType('token.cancelled', token),
  failed: eventType('token.failed', token),
} as const;
