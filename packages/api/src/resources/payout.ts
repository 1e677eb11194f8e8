import * as z from 'zod';

const text = z.string({ error: 'must be text' }).max(120, 'is too long');

/** Where payouts can go. */
export const destinationType = z.enum(['bank', 'crypto', 'stripe'], {
  error: 'must be bank, crypto or stripe',
});

/**
 * What a payout needs to know of its destination, by type. bank: routing_number, account_number, account_type, account_holder; crypto:
 * address, network; stripe: account_id.
 */
export const payoutDestination = z.object({
  routing_number: text.optional(),
  account_number: text.optional(),
  account_type: z.enum(['checking', 'savings'], { error: 'must be checking or savings' }).optional(),
  account_holder: text.optional(),
  address: text.optional(),
  network: text.optional(),
  account_id: text.optional(),
});

export const payoutStatus = z.enum(['pending', 'processing', 'completed', 'failed', 'canceled', 'returned']);
