import type { EventType } from './events/index.js';
import * as payments from './payments/events.js';
import * as tokens from './tokens/events.js';

/** Every type of event that a slice declares. */
export const eventTypes: readonly EventType[] = [
  payments.paymentCompleted,
  tokens.tokenReserved,
  ...Object.values(tokens.tokenReleased),
];
