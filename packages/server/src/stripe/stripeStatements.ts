import type { payments } from '@agentpay/core';
import type { Amount } from '@agentpay/primitives';
import { z } from 'zod';
import { CENT, type StripeClient } from './StripeClient.js';

const source = z.object({
  id: z.string(),
  payment_intent: z.string().nullish(),
  /** Of a reversal. */
  transfer: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
});
const balanceTransaction = z.object({
  id: z.string(),
  type: z.string(),
  /** Cents. */
  amount: z.number().int(),
  source: source.nullish(),
});
const pageOf = z.object({ data: z.array(balanceTransaction), has_more: z.boolean() });

const PAGE = 100;
const MAX_PAGES = 1_000;

/** How the rail is compared with the books. */
export function stripeStatements(client: StripeClient): Pick<payments.Rail, 'references' | 'reconcile'> {
  return {
    references: /^(?:pi|re|tr)_\w+$/,
    reconcile: (moved) => statement(client, moved),
  };
}

/**
 * What left the balance at Stripe for us, or came back, by its balance transactions since a moment. Others of the account, which carry
 * no mark of ours, are left out. Rejects when Stripe does not tell all of them.
 */
async function statement(
  client: StripeClient,
  { since, references }: { since: Date; references: readonly string[] },
): Promise<payments.RailStatement> {
  const known = new Set(references);
  const movements: { reference: string; amount: Amount }[] = [];
  const from = Math.floor(since.getTime() / 1000);
  let after = '';
  for (let n = 0; n < MAX_PAGES; n++) {
    const query = `limit=${PAGE}&created[gte]=${from}&expand[]=data.source${after}`;
    const page = await client.get(`/v1/balance_transactions?${query}`, pageOf);
    if (page.kind !== 'ok') throw new Error('Stripe does not tell its balance transactions.');
    for (const each of page.body.data) {
      const movement = movementOf(each);
      const ours = Object.keys(each.source?.metadata ?? {}).some((name) => name.startsWith('agentpay_'));
      if (movement && (ours || known.has(movement.reference))) movements.push(movement);
    }
    const last = page.body.data.at(-1);
    if (!page.body.has_more || !last) return { movements };
    after = `&starting_after=${last.id}`;
  }
  throw new Error('Stripe has more balance transactions than can be compared.');
}

/**
 * A charge by its payment intent, a reversal by its transfer, a refund and a transfer by themselves; what is none of these moves nothing
 * of ours.
 */
function movementOf({ type, amount: cents, source: of }: z.output<typeof balanceTransaction>) {
  const amount = BigInt(cents) * CENT;
  if (!of) return undefined;
  switch (type) {
    case 'charge':
    case 'payment':
      return of.payment_intent ? { reference: of.payment_intent, amount } : undefined;
    case 'refund':
    case 'payment_refund':
      return { reference: of.id, amount };
    case 'transfer':
      return { reference: of.id, amount: -amount };
    case 'transfer_refund':
      return of.transfer ? { reference: of.transfer, amount: -amount } : undefined;
    default:
      return undefined;
  }
}
