import { gateways } from '@agentpay/core';
import { manualClock, parseDecimal, type Db } from '@agentpay/primitives';
import { createClient } from '@agentpay/sdk';
import { pgDb } from '@agentpay/storage';
import { eventually, testDatabase, type TestDatabase } from '@agentpay/testing';
import { generatePrivateKey } from 'viem/accounts';
import { testCore } from '../flows/market.js';
import { exchange, type Reply } from './apiNode.js';
import { bareNodes, type BareNodes } from './bareNodes.js';
import { contradictions } from './books.js';
import { cardEvent } from './cardEvent.js';
import { openOutside, type Outside } from './outside.js';

/** Each test waits for a process to start; on a busy machine that is most of its time. */
const TIMEOUT_MS = 300_000;
const SECRET = 'whsec_0123456789abcdefghijklmnop';
const admin = { 'x-admin-key': 'operator-key-for-the-tests-0123456789' };
const PRICE = 1_000_000n;

let database: TestDatabase;
let db: Db;
let outside: Outside;
let nodes: BareNodes;
let own: { 'x-gateway-key': string };
let developer: { 'x-developer-key': string };
let developerId: string;
let agentId: string;
let orgId: string;

beforeAll(async () => {
  database = await testDatabase();
  db = pgDb({ url: database.url, max: 3 });
  outside = await openOutside();
  nodes = bareNodes(database.url, settings);
  const made = await ok(admin, 'POST /admin/gateways', { name: 'Gateway' });
  own = { 'x-gateway-key': made['gateway_key'] as string };
  const dev = await ok({}, 'POST /developers/register', { email: 'dev@example.com', name: 'Dev Co' });
  developer = { 'x-developer-key': dev['developer_key'] as string };
  developerId = dev['developer_id'] as string;
  orgId = (await ok(developer, 'POST /orgs', { name: 'Acme Labs' }))['org_id'] as string;
  const endpoint_url = `${outside.url}/agent`;
  const listing = {
    name: 'DataBot',
    category: 'analytics',
    endpoint_url,
    methods: [{ name: 'summarize', price_usdc: '1.00' }],
  };
  agentId = (await ok(developer, 'POST /marketplace/agents', listing))['agent_id'] as string;
  await ok(admin, `POST /admin/marketplace/agents/${agentId}/approve`, {});
  await ok(own, 'POST /gateway/provision', { agent_id: agentId, quota_usdc: '50.00' });
  const asked = await ok(own, 'POST /gateway/fund', { amount_usdc: '10.00', source: 'stripe' });
  await event(asked['funding_id'])();
  for (let n = 0; n < 2; n++) await called();
}, TIMEOUT_MS);
afterAll(async () => {
  await nodes?.close();
  await outside?.close();
  await db?.close();
  await database?.drop();
}, TIMEOUT_MS);

const settings = (url: string) => ({
  DATABASE_URL: url,
  JWT_SECRET: 'k3vX9mQ2pL7wR4tY8uZ1aB5cD6eF0gH_',
  RATE_LIMIT_BURST: '10000',
  ADMIN_KEY: admin['x-admin-key'],
  SANDBOX_AUTO_APPROVE: 'true',
  OUTBOUND_LOOPBACK: 'true',
  STRIPE_WEBHOOK_SECRET: SECRET,
  PUBLIC_BASE_URL: 'http://api.test',
  FACILITATOR_URL: outside.url,
  TREASURY_KEY: `0x${'1'.repeat(64)}`,
});

const request = async (headers: Record<string, string>, line: string, body?: object) =>
  exchange(await nodes.current(), { headers, line, ...(body && { body: JSON.stringify(body) }) });

async function ok(headers: Record<string, string>, line: string, body?: object): Promise<Reply['body']> {
  const response = await request(headers, line, body);
  if (!response || response.status >= 300) throw new Error(`${line}: ${JSON.stringify(response)}`);
  return response.body;
}

const micro = (text: unknown) => parseDecimal(String(text));
const available = async () => micro((await ok(own, 'GET /gateway/balance'))['available_usdc']);

/** What is asked for, what it changes where it can be read, and what the gateway has more of then. */
interface Step {
  readonly send: () => Promise<Reply | undefined>;
  readonly shown: () => Promise<unknown>;
  readonly from: unknown;
  readonly to: unknown;
  readonly gain: bigint;
  /** Where it is not the commit of a batch that moves the money: at the first commit of all. */
  readonly at?: 'catchNext';
}

/** Says in the place of Stripe that the money of a funding came. */
const event = (fundingId: unknown) => async (): Promise<Reply | undefined> =>
  exchange(await nodes.current(), cardEvent({ fundingId: String(fundingId), cents: 1_000, secret: SECRET }));

/** A payment by x402, signed once. */
async function signed(path: string, body: object): Promise<Step['send']> {
  let proof = '';
  const keep: typeof fetch = async (url, init) => {
    const sent = new Request(url, init);
    proof = sent.headers.get('payment-signature') ?? '';
    return proof ? Response.json({}, { status: 400 }) : fetch(sent);
  };
  const client = createClient({
    privateKey: generatePrivateKey(),
    budget: { total: '$100', perRequest: '$100' },
    fetch: keep,
  });
  const headers = { 'content-type': 'application/json' };
  await client
    .fetch((await nodes.current()).url + path, { method: 'POST', headers, body: JSON.stringify(body) })
    .catch(() => undefined);
  expect(proof).not.toBe('');
  return () => request({ ...own, authorization: `x402 usdc ${proof}` }, `POST ${path}`, body);
}

let keys = 0;
const count = async (headers: Record<string, string>, path: string) =>
  Number((await ok(headers, `GET ${path}`))['total']);
const invoiced = async () => {
  const body = { developer_id: developerId, amount_usdc: '0.002' };
  return (await ok(admin, 'POST /admin/invoices', body))['invoice_id'] as string;
};
async function ofInvoice(path: (id: string) => string, headers: Record<string, string>, body: object) {
  const id = await invoiced();
  const receipts = await count(developer, '/receipts');
  return {
    send: () => request(headers, `POST ${path(id)}`, body),
    shown: async () => [
      (await ok(developer, `GET /invoices/${id}`))['status'],
      (await count(developer, '/receipts')) - receipts,
    ],
    from: ['open', 0],
    to: ['paid', 1],
    gain: 0n,
  };
}

/** A request with a key of its own, which makes it safe to send again. */
function keyed(headers: Record<string, string>, line: string, body: object): Step['send'] {
  const given = { ...headers, 'idempotency-key': `kill-${++keys}` };
  return () => request(given, line, body);
}
const money = async (path: string, field: string, headers = developer) =>
  micro((await ok(headers, `GET ${path}`))[field]);
/** What moves no money of the gateway, and is told by numbers that grow so much. */
const growth = async (
  send: Step['send'],
  read: () => Promise<readonly (number | bigint)[]>,
  by: readonly (number | bigint)[],
): Promise<Step> => {
  const before = await read();
  return {
    send,
    shown: async () => (await read()).map((value, i) => BigInt(value) - BigInt(before[i] as number)),
    from: by.map(() => 0n),
    to: by.map(BigInt),
    gain: 0n,
    at: 'catchNext',
  };
};
const bills = async () => [await count(developer, '/subscriptions'), await count(developer, '/invoices')];
const subscribed = async () =>
  (await ok(developer, 'POST /subscriptions', { plan: 'pro', seat_count: 3 }))['subscription_id'] as string;

const steps: Record<string, () => Promise<Step>> = {
  'an event of the card processor': async () => {
    const asked = await ok(own, 'POST /gateway/fund', { amount_usdc: '10.00', source: 'stripe' });
    const read = `GET /gateway/fundings/${String(asked['funding_id'])}`;
    return {
      send: event(asked['funding_id']),
      shown: async () => (await ok(own, read))['status'],
      from: 'processing',
      to: 'settled',
      gain: 10_000_000n,
    };
  },
  'a funding by x402': async () => ({
    send: await signed('/gateway/fund/x402', { amount_usdc: '2.00' }),
    shown: async () => undefined,
    from: undefined,
    to: undefined,
    gain: 2_000_000n,
  }),
  'an authorization by x402': async () => {
    const held = async () => (await db.query('select id from authorizations')).length;
    const before = await held();
    return {
      send: await signed('/billing/authorize', { amount_usdc: '2.00', memo: 'agent call' }),
      shown: async () => (await held()) - before,
      from: 0,
      to: 1,
      gain: 0n,
    };
  },
  'the completion of an authorization': async () => {
    const authorize = await signed('/billing/authorize', { amount_usdc: '2.00', memo: 'agent call' });
    const authorization_id = (await authorize())?.body['authorization_id'] as string;
    const receipts = await count(own, '/receipts');
    const body = { authorization_id, usage: { tokens: 1234 } };
    return {
      send: () => request(own, 'POST /billing/complete', body),
      shown: async () => (await count(own, '/receipts')) - receipts,
      from: 0,
      to: 1,
      gain: 1_900_000n,
    };
  },
  'a call': async () => {
    const calls = await count(own, '/gateway/calls');
    const key = { ...own, 'idempotency-key': `call-${++keys}` };
    const body = { agent_id: agentId, input: { task: 'summarize' } };
    return {
      send: () => request(key, 'POST /gateway/call', body),
      shown: async () => (await count(own, '/gateway/calls')) - calls,
      from: 0,
      to: 1,
      gain: -PRICE,
    };
  },
  'an invoice that the operator marks as paid': () =>
    ofInvoice((id) => `/invoices/${id}/mark-paid`, admin, { note: 'paid via ACH' }),
  'an invoice that is paid from what was earned': () =>
    ofInvoice((id) => `/invoices/${id}/pay`, developer, {}),
  'a subscription': () =>
    growth(keyed(developer, 'POST /subscriptions', { plan: 'pro', seat_count: 3 }), bills, [1, 1]),
  'more seats of a subscription': async () => {
    const path = `/subscriptions/${await subscribed()}`;
    return growth(() => request(developer, `PATCH ${path}`, { seat_count: 5 }), bills, [0, 1]);
  },
  'the end of a subscription': async () => {
    const path = `/subscriptions/${await subscribed()}`;
    const read = async () => [
      await count(developer, '/subscriptions'),
      await count(developer, '/subscriptions?status=canceled'),
      await count(developer, '/invoices?status=void'),
    ];
    return growth(() => request(developer, `DELETE ${path}`), read, [-1, 1, 1]);
  },
  'a bundle for an organization': async () => {
    const bundle = { name: 'Starter', agent_ids: [agentId] };
    const { bundle_id } = await ok(developer, 'POST /bundles', bundle);
    const line = `POST /bundles/${String(bundle_id)}/subscribe`;
    return growth(keyed(developer, line, { org_id: orgId, plan: 'monthly' }), bills, [1, 1]);
  },
  'a purchase order': () => {
    const path = `/orgs/${orgId}/purchase-orders`;
    const send = keyed(developer, `POST ${path}`, { amount_usdc: '100.00', memo: 'Q2 credits' });
    return growth(send, async () => [await count(developer, path)], [1]);
  },
  'an invoice that draws a purchase order': async () => {
    const path = `/orgs/${orgId}/purchase-orders`;
    const order = { amount_usdc: '100.00', memo: 'Q2 credits' };
    const { po_id } = await ok(developer, `POST ${path}`, order);
    const drawn = async () => {
      const { purchase_orders: orders } = await ok(developer, `GET ${path}`);
      return micro((orders as Reply['body'][]).find(({ id }) => id === po_id)?.['drawn_usdc']);
    };
    const send = keyed(admin, 'POST /admin/invoices', { org_id: orgId, amount_usdc: '12.00', po_id });
    const read = async () => [await drawn(), await count(developer, '/invoices')];
    return growth(send, read, [12_000_000n, 1]);
  },
  'a payout of what was earned': () => {
    const send = keyed(developer, 'POST /developers/payout', { amount_usdc: '0.50', destination: 'bank' });
    const read = async () => [
      await count(developer, '/developers/payouts'),
      await money('/developers/earnings', 'available_usdc'),
    ];
    return growth(send, read, [1, -500_000n]);
  },
  'a grant': () => {
    const send = keyed(admin, 'POST /admin/grants', { org_id: orgId, amount_usdc: '500.00' });
    const read = async () => [
      Number((await ok(admin, 'GET /admin/grants'))['total']),
      await money(`/orgs/${orgId}`, 'available_usdc'),
    ];
    return growth(send, read, [1, 500_000_000n]);
  },
  'a dispute that is decided for who paid': async () => {
    const invoice_id = await invoiced();
    await ok(developer, `POST /invoices/${invoice_id}/pay`, {});
    const dispute = { invoice_id, reason: 'overcharge' };
    const path = `/disputes/${String((await ok(developer, 'POST /disputes', dispute))['dispute_id'])}`;
    const send = () => request(admin, `POST ${path}/resolve`, { resolution: 'approved' });
    const given = async () => [await money('/developers/earnings', 'available_usdc')];
    return growth(send, given, [2_000n]);
  },
};
const kills = Object.keys(steps).flatMap((name) => [[name, 'before'] as const, [name, 'after'] as const]);

/** A minute passes: nobody holds a key any more whose process has died. */
async function letClaimsLapse(): Promise<void> {
  await db.query(
    `update idempotency_keys set claimed_until = now() - interval '1 second' where state = 'in_progress'`,
  );
}

/** Calls a method of the agent and waits until it is paid. */
async function called(): Promise<void> {
  const body = { agent_id: agentId, input: { task: 'summarize' } };
  const { call_id } = await ok(own, 'POST /gateway/call', body);
  const ended = () => ok(own, `GET /gateway/calls/${String(call_id)}?wait=20`);
  await eventually(async () => expect(await ended()).toMatchObject({ status: 'completed' }));
}

describe('an API process killed by SIGKILL at the commit of', () => {
  afterEach(async () => {
    // What a call still does belongs to no other test.
    const open = async () =>
      (await count(own, '/gateway/calls?status=queued')) +
      (await count(own, '/gateway/calls?status=running'));
    await eventually(async () => expect(await open()).toBe(0));
    expect(await contradictions(db)).toEqual([]);
  });

  it.each(kills)(
    '%s, %s it: all of it has happened or nothing, and the same request again makes it happen once',
    async (name, where) => {
      const { send, shown, from, to, gain, at = 'catchBatch' } = await (steps[name] as () => Promise<Step>)();
      const had = await available();
      const state = async () => [await shown(), (await available()) - had];
      const { gate } = await nodes.current();
      const caught = gate[at](where);
      const response = send();
      await caught;
      await nodes.kill();
      expect(await response).toBeUndefined();
      expect(await state()).toEqual(where === 'before' ? [from, 0n] : [to, gain]);
      await letClaimsLapse();
      expect([200, 201]).toContain((await send())?.status);
      expect(await state()).toEqual([to, gain]);
    },
    TIMEOUT_MS,
  );

  it.each([
    ['before', 'failed', 0n],
    ['after', 'completed', -PRICE],
  ] as const)(
    'the end of a call, %s it: the call is %s, and never paid without being completed',
    async (where, status, gain) => {
      const had = await available();
      const asked = outside.hold();
      const body = { agent_id: agentId, input: { task: 'summarize' } };
      const { call_id } = await ok(own, 'POST /gateway/call', body);
      const release = await asked;
      const { gate } = await nodes.current();
      const caught = gate.catchBatch(where);
      release();
      await caught;
      await nodes.kill();
      // Whoever has died does not end a call within its time.
      const { core } = await testCore(db);
      const later = { ...core, clock: manualClock(Date.now() + 3_600_000) };
      await gateways.endLeft(later, { limit: 10 });
      const read = () => ok(own, `GET /gateway/calls/${String(call_id)}`);
      await eventually(async () => expect(await read()).toMatchObject({ status }));
      expect((await available()) - had).toBe(gain);
    },
    TIMEOUT_MS,
  );
});
