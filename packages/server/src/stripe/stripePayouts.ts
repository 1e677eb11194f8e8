import type { payouts } from '@agentpay/core';
import { AgentPayError } from '@agentpay/primitives';
import { z } from 'zod';
import { centsOf, type StripeClient } from './StripeClient.js';

const transfer = z.object({ id: z.string() });
const transfers = z.object({ data: z.array(transfer) });
const sent = z.object({ id: z.string(), reversed: z.boolean() });

/** For so long a transfer is looked at after it was made. */
const RETURN_DAYS = 90;

export interface StripePayoutsOptions {
  readonly client: StripeClient;
  /** Account of the ledger that the money leaves by. */
  readonly account: string;
}

/**
 * Payouts to a connected account: transfers from the balance at Stripe. Each is in a group of its own, by which it is looked for before it
 * is sent again, since Stripe forgets idempotency keys after a day. One that is reversed whole has come back.
 */
export function stripePayouts({ client, account }: StripePayoutsOptions): payouts.PayoutConnector {
  return {
    account,
    days: 1,
    accepts(destination, amount) {
      centsOf(amount);
      if (destination.type !== 'stripe')
        throw new AgentPayError('invalid_request', 'Stripe pays connected accounts.', {
          param: 'destinationType',
        });
    },
    async submit({ id, amount }, destination) {
      if (destination.type !== 'stripe') return { status: 'failed', reason: 'wrong_destination' };
      const found = await client.get(`/v1/transfers?transfer_group=${id}&limit=1`, transfers);
      if (found.kind !== 'ok') return { status: 'unknown' };
      const [earlier] = found.body.data;
      if (earlier) return { status: 'completed', reference: earlier.id };
      const fields = {
        amount: centsOf(amount),
        currency: 'usd',
        destination: destination.accountId,
        transfer_group: id,
        'metadata[agentpay_payout]': id,
      };
      const made = await client.post('/v1/transfers', transfer, { fields, key: id });
      if (made.kind === 'ok') return { status: 'completed', reference: made.body.id };
      return made.kind === 'refused' ? { status: 'failed', reason: made.code } : { status: 'unknown' };
    },
    returns: {
      days: RETURN_DAYS,
      async ask({ reference }) {
        const now = await client.get(`/v1/transfers/${reference}`, sent);
        if (now.kind !== 'ok') return { status: 'unknown' };
        return now.body.reversed
          ? { status: 'returned', reason: 'transfer_reversed' }
          : { status: 'arrived' };
      },
    },
  };
}
