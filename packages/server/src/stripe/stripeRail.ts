import type { payments } from '@agentpay/core';
import { AgentPayError } from '@agentpay/primitives';
import { z } from 'zod';
import { centsOf, isConnectedAccount, type StripeClient, type StripeResponse } from './StripeClient.js';
import { stripeRefunds } from './stripeRefunds.js';
import { stripeStatements } from './stripeStatements.js';

export interface StripeRailOptions {
  readonly client: StripeClient;
  /** Account of the ledger that the money leaves by. */
  readonly account: string;
  /** What is charged, off session: a customer of the platform's own and its payment method. */
  readonly customer: string;
  readonly paymentMethod: string;
}

const paymentIntent = z.object({
  id: z.string().regex(/^pi_\w{1,120}$/),
  status: z.string(),
  last_payment_error: z
    .object({ code: z.string().optional(), decline_code: z.string().optional() })
    .nullish(),
});
type PaymentIntent = z.output<typeof paymentIntent>;

/** What is kept of a payment before anything is charged. */
type Proof = { readonly intent: string } | { readonly refused: string };

/**
 * Rail `stripe`: pays a connected account by a payment intent. Its making charges nothing; only the one whose id was kept is confirmed,
 * and Stripe charges an intent once. Before a payment is said to have failed its intent is canceled, so that nobody can charge it later.
 */
export function stripeRail({ client, account, customer, paymentMethod }: StripeRailOptions): payments.Rail {
  const intents = (path = '') => `/v1/payment_intents${path}`;
  const read = (id: string) => client.get(intents(`/${id}`), paymentIntent);

  /** The words of a refusal may be about another attempt: what counts is what the intent has become. */
  async function confirm(id: string): Promise<payments.RailStatus> {
    await client.post(intents(`/${id}/confirm`), paymentIntent, {});
    const now = stateOf(await read(id));
    return now.status === 'failed' ? close(id, now.reason) : now;
  }

  async function onwards(payment: payments.Payment, giveUp = false): Promise<payments.RailStatus> {
    const proof = payment.proof as Proof;
    if ('refused' in proof) return { status: 'failed', reason: proof.refused };
    const now = await read(proof.intent);
    if (now.kind !== 'ok') return { status: 'unknown' };
    if (now.body.status === 'requires_confirmation' && !giveUp) return confirm(proof.intent);
    if (isOpen(now.body)) return close(proof.intent, giveUp ? 'given_up' : reasonOf(now.body));
    return stateOf(now);
  }

  async function close(id: string, reason: string): Promise<payments.RailStatus> {
    await client.post(intents(`/${id}/cancel`), paymentIntent, {});
    const closed = await read(id);
    if (closed.kind === 'ok' && closed.body.status === 'canceled') return { status: 'failed', reason };
    return closed.kind === 'ok' && !isOpen(closed.body) ? stateOf(closed) : { status: 'unknown' };
  }

  return {
    currency: 'USD',
    account,
    accepts({ payeeExternal, amount }) {
      centsOf(amount);
      if (payeeExternal !== null && isConnectedAccount(payeeExternal)) return;
      throw new AgentPayError('invalid_request', 'The rail stripe pays a connected account, acct_….', {
        param: 'toExternal',
      });
    },
    async authorize({ id, amount, payeeExternal }): Promise<Proof> {
      const fields = {
        amount: centsOf(amount),
        currency: 'usd',
        customer,
        payment_method: paymentMethod,
        'payment_method_types[]': 'card',
        'transfer_data[destination]': payeeExternal as string,
        'metadata[agentpay_payment]': id,
      };
      const made = await client.post(intents(), paymentIntent, { fields, key: `${id}:intent` });
      if (made.kind === 'ok') return { intent: made.body.id };
      if (made.kind === 'refused') return { refused: made.code };
      throw new Error('Stripe does not say whether it made a payment intent');
    },
    submit: (payment) => onwards(payment),
    settle: (payment) => onwards(payment),
    fail: (payment) => onwards(payment, true),
    ...stripeRefunds(client),
    ...stripeStatements(client),
  };
}

/** Whether it can still be charged, and waits for somebody. */
function isOpen({ status }: PaymentIntent): boolean {
  return status.startsWith('requires_');
}

function stateOf(response: StripeResponse<PaymentIntent>): payments.RailStatus {
  if (response.kind !== 'ok') return { status: 'unknown' };
  const { id, status } = response.body;
  switch (status) {
    case 'succeeded':
      return { status: 'completed', reference: id };
    case 'processing':
      return { status: 'settling', reference: id };
    case 'canceled':
    case 'requires_payment_method':
    case 'requires_action':
      return { status: 'failed', reason: reasonOf(response.body) };
    default:
      return { status: 'unknown' };
  }
}

function reasonOf({ status, last_payment_error: error }: PaymentIntent): string {
  return error?.decline_code ?? error?.code ?? status;
}
