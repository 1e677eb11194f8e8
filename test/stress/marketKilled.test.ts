import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gateways } from '@agentpay/core';
import { manualClock, parseDecimal, type Db } from '@agentpay/primitives';
import { createClient } from '@agentpay/sdk';
import { pgDb } from '@agentpay/storage';
import { eventually, testDatabase, type TestDatabase } from '@agentpay/testing';
import { generatePrivateKey } from 'viem/accounts';
import { testCore } from '../flows/market.js';
import { exchange, startNode, type Answer, type ApiNode } from './apiNode.js';
import { contradictions } from './books.js';
import { cardEvent } from './cardEvent.js';
import { commitGate, type CommitGate } from './commitGate.js';

/** Each test starts a process or two; on a busy machine that is most of its time. */
const TIMEOUT_MS = 90_000;
const SECRET = 'whsec_0123456789abcdefghijklmnop';
const admin = { 'x-admin-key': 'operator-key-for-the-tests-0123456789' };
const own = { 'x-gateway-key': 'gw_live_0123456789abcdef0123456789abcdef' };
const PRICE = 10_000n;

let database: TestDatabase;
let db: Db;
let gate: CommitGate;
let outside: Outside;
let node: ApiNode;
let developer: { 'x-developer-key': string };
let developerId: string;
let agentId: string;

beforeAll(async () => {
  database = await testDatabase();
  db = pgDb({ url: database.url, max: 3 });
  gate = await commitGate(database.url);
  outside = await openOutside();
  node = await start();
  const dev = await ok({}, 'POST /developers/register', { email: 'dev@example.com', name: 'Dev Co' });
  developer = { 'x-developer-key': dev['developer_key'] as string };
  developerId = dev['developer_id'] as string;
  const endpoint_url = `${outside.url}/agent`;
  const listing = {
    name: 'DataBot',
    category: 'analytics',
    endpoint_url,
    methods: [{ name: 'summarize', price_usdc: '0.01' }],
  };
  agentId = (await ok(developer, 'POST /marketplace/agents', listing))['agent_id'] as string;
  await ok(admin, `POST /admin/marketplace/agents/${agentId}/approve`, {});
  await ok(own, 'POST /gateway/provision', { agent_id: agentId, quota_usdc: '50.00' });
  await event(
    (await ok(own, 'POST /gateway/fund', { amount_usdc: '10.00', source: 'stripe' }))['funding_id'],
  )();
}, TIMEOUT_MS);
afterAll(async () => {
  await node?.kill();
  await outside?.close();
  await gate?.close();
  await db?.close();
  await database?.drop();
}, TIMEOUT_MS);

const start = () =>
  startNode(
    { database: gate.url },
    {
      ADMIN_KEY: admin['x-admin-key'],
      BOOTSTRAP_GATEWAY_KEY: own['x-gateway-key'],
      SANDBOX_AUTO_APPROVE: 'true',
      OUTBOUND_LOOPBACK: 'true',
      STRIPE_WEBHOOK_SECRET: SECRET,
      PUBLIC_BASE_URL: 'http://api.test',
      FACILITATOR_URL: outside.url,
      TREASURY_KEY: `0x${'1'.repeat(64)}`,
    },
  );

const request = (headers: Record<string, string>, line: string, body?: object) =>
  exchange(node, { headers, line, ...(body && { body: JSON.stringify(body) }) });

async function ok(headers: Record<string, string>, line: string, body?: object): Promise<Answer['body']> {
  const answer = await request(headers, line, body);
  if (!answer || answer.status >= 300) throw new Error(`${line}: ${JSON.stringify(answer)}`);
  return answer.body;
}

const micro = (text: unknown) => parseDecimal(String(text));
const available = async () => micro((await ok(own, 'GET /gateway/balance'))['available_usdc']);

/** What is asked for, what it changes where it can be read, and what the gateway has more of then. */
interface Step {
  readonly send: () => Promise<Answer | undefined>;
  readonly shown: () => Promise<unknown>;
  readonly from: unknown;
  readonly to: unknown;
  readonly gain: bigint;
}

/** Says in the place of Stripe that the money of a funding came. */
const event = (fundingId: unknown) => (): Promise<Answer | undefined> =>
  exchange(node, cardEvent({ fundingId: String(fundingId), cents: 1_000, secret: SECRET }));

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
    .fetch(node.url + path, { method: 'POST', headers, body: JSON.stringify(body) })
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
};
/** Killed in turn before and after the commit. */
const kills = Object.keys(steps).map((name, i) => [name, i % 2 === 0 ? 'before' : 'after'] as const);

/** Calls a method of the agent and waits until it is paid. */
async function called(): Promise<void> {
  const body = { agent_id: agentId, input: { task: 'summarize' } };
  const { call_id } = await ok(own, 'POST /gateway/call', body);
  expect(await ok(own, `GET /gateway/calls/${String(call_id)}?wait=20`)).toMatchObject({
    status: 'completed',
  });
}

describe('an API node killed by SIGKILL at the commit of', () => {
  beforeAll(called, TIMEOUT_MS);
  afterEach(async () => {
    // What a call still does belongs to no other test.
    const open = async () =>
      (await count(own, '/gateway/calls?status=queued')) +
      (await count(own, '/gateway/calls?status=running'));
    await eventually(async () => expect(await open()).toBe(0), 20_000);
    expect(await contradictions(db)).toEqual([]);
  });

  it.each(kills)(
    '%s, %s it: all of it has happened or nothing, and the same request again makes it happen once',
    async (name, where) => {
      const { send, shown, from, to, gain } = await (steps[name] as () => Promise<Step>)();
      const had = await available();
      const state = async () => [await shown(), (await available()) - had];
      const caught = gate.catchBatch(where);
      const answer = send();
      await caught;
      await node.kill();
      expect(await answer).toBeUndefined();
      node = await start();
      expect(await state()).toEqual(where === 'before' ? [from, 0n] : [to, gain]);
      expect((await send())?.status).toBe(200);
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
      const caught = gate.catchBatch(where);
      release();
      await caught;
      await node.kill();
      node = await start();
      // Whoever has died does not end a call within its time.
      const { core } = await testCore(db);
      const later = { ...core, clock: manualClock(Date.now() + 3_600_000) };
      await gateways.endLeft(later, { limit: 10 });
      const read = () => ok(own, `GET /gateway/calls/${String(call_id)}`);
      await eventually(async () => expect(await read()).toMatchObject({ status }), 20_000);
      expect((await available()) - had).toBe(gain);
    },
    TIMEOUT_MS,
  );
});

/** What the node talks to: an agent, and a facilitator of a chain on which everything that is settled has come. */
interface Outside {
  readonly url: string;
  /** Has the agent wait with its next response; resolves, once it was asked, to what lets it go on. */
  hold(): Promise<() => void>;
  close(): Promise<void>;
}

async function openOutside(): Promise<Outside> {
  const network = 'eip155:84532';
  const said: Record<string, object> = {
    '/verify': { isValid: true },
    '/settle': { success: true, transaction: `0x${'ab'.repeat(32)}`, network },
    '/supported': { kinds: [{ x402Version: 2, scheme: 'exact', network }], extensions: [], signers: {} },
    '/agent': { summary: 'Sales grew.' },
  };
  let held: ((release: () => void) => void) | undefined;
  const server: Server = createServer((request, response) => {
    const path = request.url ?? '';
    const answer = () =>
      void response.setHeader('content-type', 'application/json').end(JSON.stringify(said[path]));
    request.resume().on('end', () => {
      if (path !== '/agent' || !held) return answer();
      held(answer);
      held = undefined;
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold: () => new Promise((resolve) => (held = resolve)),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
