import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the stand-in does with the next request to a path that matches; `lost` carries it out and says nothing. */
export interface StripeFault {
  /** Source of a regular expression over method and path. */
  readonly path: string;
  readonly does: 'lost' | 429 | 500 | 401;
}

interface Intent {
  id: string;
  status: string;
  amount: string;
  destination: string;
  last_payment_error: { code: string; decline_code: string } | null;
}

interface StripeRefund {
  id: string;
  status: string;
  amount: number;
  payment_intent: string;
  reverse_transfer: string;
  failure_reason: string | null;
  metadata: Record<string, string>;
}

interface Transfer {
  readonly id: string;
  readonly transfer_group: string;
  readonly amount: string;
  readonly destination: string;
  reversed: boolean;
}

interface Kept {
  readonly fields: string;
  readonly status: number;
  readonly body: unknown;
}

export const SECRET_KEY = 'sk_test_standin0123456789';

/**
 * A server that behaves as Stripe's API where it is used: bearer keys, form-encoded fields, idempotency keys whose response is repeated
 * and that refuse other fields, payment intents as a state machine, transfers by group.
 */
export async function stripeStandIn() {
  const intents = new Map<string, Intent>();
  const transfers: Transfer[] = [];
  const keys = new Map<string, Kept>();
  const faults: StripeFault[] = [];
  const charges: string[] = [];
  const refunds: StripeRefund[] = [];
  /** What a confirmed card does. */
  const card = { outcome: 'succeeded' };
  /** What becomes of a refund at first. */
  const refunding = { outcome: 'succeeded' };

  const server = createServer((request, response) => void handle(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const url = new URL(request.url as string, 'http://stripe.test');
    const at = faults.findIndex(({ path }) => new RegExp(path).test(`${request.method} ${url.pathname}`));
    const [fault] = at < 0 ? [] : faults.splice(at, 1);
    const { status, body } =
      typeof fault?.does === 'number'
        ? { status: fault.does, body: refusal('api_error', 'made_up') }
        : answer(request, url, text);
    if (fault?.does === 'lost') return void request.socket.destroy();
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  function answer(request: IncomingMessage, url: URL, text: string): { status: number; body: unknown } {
    if (request.headers.authorization !== `Bearer ${SECRET_KEY}`)
      return { status: 401, body: refusal('invalid_request_error', 'api_key_invalid') };
    if (request.method === 'GET') return read(url);
    if (request.headers['content-type'] !== 'application/x-www-form-urlencoded')
      return { status: 400, body: refusal('invalid_request_error', 'content_type') };
    const key = request.headers['idempotency-key'] as string | undefined;
    const kept = key === undefined ? undefined : keys.get(key);
    if (kept && kept.fields !== text)
      return { status: 400, body: refusal('idempotency_error', 'idempotency_error') };
    if (kept) return kept;
    const made = write(url.pathname, new URLSearchParams(text));
    if (key !== undefined) keys.set(key, { fields: text, ...made });
    return made;
  }

  function read({ pathname, searchParams }: URL): { status: number; body: unknown } {
    if (pathname === '/v1/transfers') {
      const group = searchParams.get('transfer_group');
      const data = transfers.filter((each) => each.transfer_group === group);
      return { status: 200, body: { object: 'list', data } };
    }
    if (pathname.startsWith('/v1/transfers/')) {
      const found = transfers.find(({ id }) => pathname.endsWith(`/${id}`));
      return found ? { status: 200, body: found } : shown(undefined);
    }
    if (pathname === '/v1/balance_transactions') return { status: 200, body: balanceTransactions() };
    if (pathname === '/v1/refunds') {
      const data = refunds.filter((each) => each.payment_intent === searchParams.get('payment_intent'));
      return { status: 200, body: { object: 'list', data, has_more: false } };
    }
    return shown(intents.get(pathname.split('/').at(-1) as string));
  }

  function write(path: string, fields: URLSearchParams): { status: number; body: unknown } {
    const field = (name: string) => fields.get(name) ?? '';
    if (!path.includes('/pi_') && !/^[1-9]\d*$/.test(field('amount')))
      return { status: 400, body: refusal('invalid_request_error', 'parameter_invalid_integer') };
    if (/acct_gone/.test(field('destination') + field('transfer_data[destination]')))
      return { status: 400, body: refusal('invalid_request_error', 'account_invalid') };
    if (path === '/v1/transfers') {
      const [amount, destination, group] = ['amount', 'destination', 'transfer_group'].map(field) as [
        string,
        string,
        string,
      ];
      const id = `tr_${transfers.length + 1}`;
      const made = { id, transfer_group: group, amount, destination, reversed: false };
      transfers.push(made);
      return { status: 200, body: made };
    }
    if (path === '/v1/refunds') return refund(field);
    if (path === '/v1/payment_intents') {
      const id = `pi_${intents.size + 1}`;
      const [amount, destination] = [field('amount'), field('transfer_data[destination]')];
      const status = field('payment_method') ? 'requires_confirmation' : 'requires_payment_method';
      intents.set(id, { id, status, amount, destination, last_payment_error: null });
      return shown(intents.get(id));
    }
    const [, , , id, verb] = path.split('/') as [string, string, string, string, string];
    const intent = intents.get(id);
    return intent ? step(intent, verb) : shown(undefined);
  }

  /** Everything that moved the balance, with what it was for. */
  function balanceTransactions() {
    const charged = charges.map((id) => ({
      type: 'charge',
      amount: Number(intents.get(id)?.amount),
      source: { id: `ch_${id}`, payment_intent: id, metadata: { agentpay_payment: 'tx' } },
    }));
    const back = refunds
      .filter(({ status }) => status === 'succeeded')
      .map(({ id, amount, metadata }) => ({ type: 'refund', amount: -amount, source: { id, metadata } }));
    const sent = transfers.map(({ id, amount }) => ({
      type: 'transfer',
      amount: -Number(amount),
      source: { id, metadata: { agentpay_payout: 'payout' } },
    }));
    const reversed = transfers
      .filter((each) => each.reversed)
      .map(({ id, amount }) => ({
        type: 'transfer_refund',
        amount: Number(amount),
        source: { id: `trr_${id}`, transfer: id },
      }));
    const fee = { type: 'stripe_fee', amount: -3, source: null };
    const data = [...charged, ...back, ...sent, ...reversed, fee].map((each, n) => ({
      id: `txn_${n}`,
      ...each,
    }));
    return { object: 'list', data, has_more: false };
  }

  function refund(field: (name: string) => string): { status: number; body: unknown } {
    const intent = intents.get(field('payment_intent'));
    if (intent?.status !== 'succeeded')
      return { status: 400, body: refusal('invalid_request_error', 'charge_not_succeeded') };
    const back = refunds
      .filter((each) => each.payment_intent === intent.id && each.status !== 'failed')
      .reduce((sum, { amount }) => sum + amount, 0);
    const amount = Number(field('amount'));
    if (back + amount > Number(intent.amount))
      return { status: 400, body: refusal('invalid_request_error', 'charge_already_refunded') };
    const made = {
      id: `re_${refunds.length + 1}`,
      status: refunding.outcome,
      amount,
      payment_intent: intent.id,
      reverse_transfer: field('reverse_transfer'),
      failure_reason: refunding.outcome === 'failed' ? 'insufficient_funds' : null,
      metadata: { agentpay_refund: field('metadata[agentpay_refund]') },
    };
    refunds.push(made);
    return { status: 200, body: made };
  }

  function step(intent: Intent, verb: string): { status: number; body: unknown } {
    const open = intent.status.startsWith('requires_');
    if (!open || (verb === 'confirm' && intent.status !== 'requires_confirmation'))
      return { status: 400, body: refusal('invalid_request_error', 'payment_intent_unexpected_state') };
    intent.status = verb === 'cancel' ? 'canceled' : card.outcome;
    if (intent.status === 'succeeded') charges.push(intent.id);
    if (intent.status !== 'requires_payment_method') return shown(intent);
    intent.last_payment_error = { code: 'card_declined', decline_code: 'insufficient_funds' };
    return { status: 402, body: { error: { type: 'card_error', ...intent.last_payment_error } } };
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    intents,
    transfers,
    /** Ids of the intents that were charged, once for each time. */
    charges,
    refunds,
    refunding,
    faults,
    card,
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
}

export type StripeStandIn = Awaited<ReturnType<typeof stripeStandIn>>;

function shown(intent: Intent | undefined): { status: number; body: unknown } {
  return intent
    ? { status: 200, body: { object: 'payment_intent', ...intent } }
    : { status: 404, body: refusal('invalid_request_error', 'resource_missing') };
}

function refusal(type: string, code: string) {
  return { error: { type, code, message: 'As Stripe would say it.' } };
}
