import { type IncomingMessage, type ServerResponse } from 'node:http';
import { systemClock } from '@agentpay/primitives';
import { ApiError, createApiClient, requestIdOf, type ApiClientOptions, type CallAttempt } from './index.js';
import { closeServers, failure, hurriedClock, serve } from './seller.test.support.js';

const AGENT = 'agent_01kb3x9v7f5m2q8r4t6w0y1z3a';
const WALLET = 'wallet_01kb3x9v7f5m2q8r4t6w0y1z3b';
const TOKEN = 'tokid_01kb3x9v7f5m2q8r4t6w0y1z3e';
const payment = (id: string) => ({
  id,
  amount: 1,
  fee: 0,
  total_debited: 1,
  currency: 'USD',
  rail: 'internal',
  status: 'completed',
  from_wallet_id: WALLET,
  to_wallet_id: null,
  to_external: 'merchant:demo',
  description: null,
  service_id: null,
  refunded_amount: 0,
  refunding_amount: 0,
  reference: null,
  failure: null,
  created_at: '2026-05-08T13:00:00Z',
  completed_at: '2026-05-08T13:00:00Z',
});
const pay = { from_wallet_id: WALLET, to_external: 'merchant:demo', amount: 1 };

afterEach(closeServers);

type Reply = { status: number; headers?: Record<string, string>; body?: unknown };
const refusal = {
  error: { code: 'X-1', reason: 'busy', message: 'Busy.', hint: 'Wait.', request_id: 'req_9' },
  code: 'X-1',
};
const busy = (status: number, wait?: string): Reply => ({
  status,
  headers: wait === undefined ? {} : { 'retry-after': wait },
  body: refusal,
});
const paid: Reply = { status: 201, headers: { 'x-request-id': 'req_1' }, body: payment('tx_1') };

/** An API that answers with these one after the other; `cut` ends the connection, `hang` says nothing. */
async function api(replies: readonly (Reply | 'cut' | 'hang')[], options: Partial<ApiClientOptions> = {}) {
  const asked: IncomingMessage[] = [];
  const attempts: CallAttempt[] = [];
  const clock = hurriedClock();
  const url = await serve((request: IncomingMessage, response: ServerResponse) => {
    const reply = replies[asked.push(request) - 1];
    if (reply === undefined || reply === 'cut') return request.socket.destroy();
    if (reply === 'hang') return undefined;
    return response.writeHead(reply.status, reply.headers).end(JSON.stringify(reply.body));
  });
  const onAttempt = (attempt: CallAttempt) => void attempts.push(attempt);
  const client = createApiClient({ url, apiKey: 'pk_1', timeoutMs: 60_000, clock, onAttempt, ...options });
  const keys = () => asked.map(({ headers }) => headers['idempotency-key']);
  return { client, asked, attempts, keys, clock };
}

describe('a call that can be repeated', () => {
  it.each<[string, readonly (Reply | 'cut')[]]>([
    ['a lost response', ['cut', paid]],
    ['502', [busy(502), paid]],
    ['503 with a wait', [busy(503, '2'), paid]],
    ['429', [busy(429, '1'), paid]],
    ['another attempt under way', [busy(409, '1'), paid]],
    ['two failures', ['cut', busy(504), paid]],
  ])('is sent again after %s, under one idempotency key', async (_, replies) => {
    const { client, keys } = await api(replies);
    expect(await client.payments.create(pay)).toMatchObject({ id: 'tx_1', amount: 1_000_000n });
    expect(keys()).toHaveLength(replies.length);
    expect(new Set(keys()).size).toBe(1);
    expect(keys()[0]).toMatch(/^ts-[0-9a-f]{32}$/);
  });

  it('has a new key each time it is called, or that of its caller', async () => {
    const { client, keys } = await api([paid, paid, paid, paid]);
    await client.payments.create(pay);
    await client.payments.create(pay);
    await client.payments.create(pay, { idempotencyKey: 'order-1' });
    await client.payments.create({ ...pay, idempotency_key: 'order-2' });
    const [first, second, given, inBody] = keys();
    expect(first).not.toBe(second);
    expect([given, inBody]).toEqual(['order-1', undefined]);
  });

  it('waits for as long as it is told', async () => {
    const { client, attempts } = await api([busy(503, '7'), busy(503), paid]);
    await client.payments.create(pay);
    expect(attempts.map(({ retryInMs }) => retryInMs)).toEqual([7_000, 500, undefined]);
  });

  it('leaves a wait of more than 30 seconds, and a refusal that stays, to its caller', async () => {
    const long = await api([busy(503, '31'), paid]);
    expect(await failure(long.client.payments.create(pay))).toMatchObject({ status: 503, retryAfter: 31 });
    const stays = await api([busy(503), busy(503), busy(503), paid]);
    expect(await failure(stays.client.payments.create(pay))).toMatchObject({
      status: 503,
      requestId: 'req_9',
    });
    const never = await api([busy(503), paid], { maxRetries: 0 });
    expect(await failure(never.client.payments.create(pay))).toBeInstanceOf(ApiError);
    expect([long, stays, never].map(({ asked }) => asked.length)).toEqual([1, 3, 1]);
  });

  it('is sent once when the API decides: 400, 402, 404, 409 without a wait, 500', async () => {
    for (const status of [400, 402, 404, 409, 500]) {
      const { client, asked } = await api([busy(status), paid]);
      expect(await failure(client.payments.create(pay))).toMatchObject({ status });
      expect(asked).toHaveLength(1);
    }
  });
});

describe('a call that cannot be repeated', () => {
  it.each<[string, Reply | 'cut', object]>([
    ['a lost response', 'cut', { kind: 'outcome_unknown' }],
    ['503', busy(503, '1'), { status: 503 }],
  ])('is sent once, also after %s', async (_, reply, expected) => {
    const { client, asked, keys } = await api([reply, paid]);
    expect(await failure(client.tokens.callCompleted({ token_id: TOKEN }))).toMatchObject(expected);
    expect([asked.length, keys()]).toEqual([1, [undefined]]);
  });

  it('is sent again after 429, which has done nothing', async () => {
    const { client, asked } = await api([busy(429, '1'), busy(400)]);
    expect(await failure(client.tokens.callCompleted({ token_id: TOKEN }))).toMatchObject({ status: 400 });
    expect(asked).toHaveLength(2);
  });
});

describe('a call that is given up', () => {
  it('rejects with the reason of its signal: before it, while it waits for a response, and between attempts', async () => {
    const reason = new Error('no longer needed');
    const before = await api([paid]);
    const early = before.client.payments.create(pay, { signal: AbortSignal.abort(reason) });
    expect(await failure(early)).toBe(reason);
    expect(before.asked).toEqual([]);

    const stop = new AbortController();
    const hanging = await api(['hang']);
    const given = failure(hanging.client.payments.create(pay, { signal: stop.signal }));
    while (hanging.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort(reason);
    expect(await given).toBe(reason);

    const between = new AbortController();
    const waiting = await api([busy(503, '9'), paid], { onAttempt: () => between.abort(reason) });
    expect(await failure(waiting.client.payments.create(pay, { signal: between.signal }))).toBe(reason);
    expect(waiting.asked).toHaveLength(1);
  });

  it('has a deadline of its own for each attempt', async () => {
    const { client, attempts } = await api(['hang', 'hang'], { clock: systemClock, maxRetries: 1 });
    const call = failure(client.agents.get({ agent_id: AGENT }, { timeoutMs: 50 }));
    expect(await call).toMatchObject({ kind: 'outcome_unknown', cause: { name: 'TimeoutError' } });
    expect(attempts).toHaveLength(2);
  });
});

describe('what is known of a call', () => {
  it('is the id of its request, on the result and on the error', async () => {
    const { client } = await api([paid, busy(404)]);
    expect(requestIdOf(await client.payments.create(pay))).toBe('req_1');
    expect(await failure(client.payments.create(pay))).toMatchObject({ requestId: 'req_9' });
    expect(requestIdOf({})).toBeUndefined();
  });

  it('are its attempts, for whoever listens; who throws there ends nothing', async () => {
    const { client, attempts } = await api(['cut', busy(503, '1'), paid]);
    await client.payments.create(pay);
    const told = { endpoint: 'runtime.payments.create', method: 'POST' };
    expect(attempts).toMatchObject([
      { ...told, attempt: 1, status: undefined, retryInMs: 250, error: expect.any(Error) },
      { ...told, attempt: 2, status: 503, retryInMs: 1_000, error: undefined },
      { ...told, attempt: 3, status: 201, retryInMs: undefined, requestId: 'req_1' },
    ]);
    const throwing = () => {
      throw new Error('the log is full');
    };
    const loud = await api([paid], { onAttempt: throwing });
    expect(await loud.client.payments.create(pay)).toMatchObject({ id: 'tx_1' });
  });

  it('are the facts of a refusal', async () => {
    const details = { rule_id: 'rule_1', limit: 5, approval_id: 'appr_1' };
    const { client } = await api([
      { status: 402, body: { ...refusal, error: { ...refusal.error, details } } },
    ]);
    expect(await failure(client.payments.create(pay))).toMatchObject({ details });
  });
});

describe('a list', () => {
  const page = (ids: readonly string[], rest: object): Reply => ({
    status: 200,
    body: { payments: ids.map(payment), total: 3, ...rest },
  });

  it('is read page after page by its cursor, with its filters', async () => {
    const { client, asked } = await api([
      page(['tx_1', 'tx_2'], { next_cursor: 'c2' }),
      page(['tx_3'], { next_cursor: null }),
    ]);
    const ids: string[] = [];
    for await (const { id } of client.payments.iterate({ status: 'completed', limit: 2 })) ids.push(id);
    expect(ids).toEqual(['tx_1', 'tx_2', 'tx_3']);
    const queries = asked.map(({ url }) => new URLSearchParams(url?.split('?')[1]));
    expect(queries.map((query) => [query.get('cursor'), query.get('limit'), query.get('status')])).toEqual([
      ['', '2', 'completed'],
      ['c2', '2', 'completed'],
    ]);
  });

  it('is read no further than its reader goes', async () => {
    const { client, asked } = await api([page(['tx_1', 'tx_2'], { next_cursor: 'c2' })]);
    for await (const { id } of client.payments.iterate()) if (id === 'tx_1') break;
    expect(asked).toHaveLength(1);
  });

  it('has a name of its own where its verb is another', async () => {
    const { client, asked } = await api([{ status: 200, body: { deliveries: [], total: 0 } }]);
    const webhook = { webhook_id: 'wh_01kb3x9v7f5m2q8r4t6w0y1z3f' };
    for await (const one of client.webhooks.iterateDeliveries(webhook)) throw new Error(String(one));
    expect(asked).toHaveLength(1);
  });
});
