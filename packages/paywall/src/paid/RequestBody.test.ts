import { request, type IncomingMessage } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import express from 'express';
import { paywall } from '../index.js';
import { PAY_TO, fakeFacilitator, listen, pay, send, type Seller } from '../seller.test.support.js';

let seller: Seller;
afterEach(() => seller?.close());

const json = { 'content-type': 'application/json' };
const BODY = JSON.stringify({ city: 'Rome', n: [1, 2, 3] });

function wall(options = {}) {
  return paywall({ logger: false, payTo: PAY_TO, facilitator: fakeFacilitator(), ...options }).charge(
    '$0.01',
  );
}

/** The request after the paywall has read and put back its body, echoed by a handler in its own way of reading. */
const readers: Record<string, (req: IncomingMessage) => Promise<string>> = {
  'data and end events': (req) =>
    new Promise((resolve) => {
      let text = '';
      req.on('data', (chunk: Buffer) => (text += chunk.toString()));
      req.on('end', () => resolve(text));
    }),
  'async iteration': async (req) => {
    let text = '';
    for await (const chunk of req) text += String(chunk);
    return text;
  },
  'stream consumers': (req) => readText(req),
  'a later tick': async (req) => {
    await new Promise((resolve) => setImmediate(resolve));
    return readText(req);
  },
};

describe.each(Object.entries(readers))('a handler that reads by %s', (_, reader) => {
  it.each<[string, Record<string, string>, string]>([
    ['a body of known length', {}, BODY],
    ['a chunked body', { 'transfer-encoding': 'chunked' }, BODY],
    ['a body of many packets', {}, 'x'.repeat(700_000)],
    ['an empty chunked body', { 'transfer-encoding': 'chunked' }, ''],
    ['no body', {}, ''],
  ])('gets %s whole', async (_name, headers, body) => {
    const charge = wall();
    seller = await listen((req, res) =>
      charge(req, res, async () => void res.end(`got ${await reader(req)}`)),
    );
    const sent = { method: 'POST', headers, body };
    const paid = await send(seller, '/', {
      ...sent,
      headers: { ...headers, ...pay(await send(seller, '/', sent), 'mpp') },
    });
    expect([paid.status, paid.text]).toEqual([200, `got ${body}`]);
  });
});

describe.each([
  ['before', (app: express.Express) => app.use(express.json(), wall())],
  ['after', (app: express.Express) => app.use(wall(), express.json())],
  [
    'before, with the raw body kept',
    (app: express.Express) =>
      app.use(express.json({ verify: (req, _res, raw) => Object.assign(req, { rawBody: raw }) }), wall()),
  ],
  ['before, as bytes,', (app: express.Express) => app.use(express.raw({ type: '*/*' }), wall())],
])('a body parser %s the paywall', (_, mount) => {
  async function echo() {
    const app = express();
    mount(app);
    app.post(
      '/',
      (req, res) => void res.json(Buffer.isBuffer(req.body) ? JSON.parse(req.body.toString()) : req.body),
    );
    seller = await listen(app);
    return send(seller, '/', { method: 'POST', headers: json, body: BODY });
  }

  it.each(['x402v2', 'x402v1', 'mpp'] as const)(
    'leaves the body to a handler paid in %s',
    async (dialect) => {
      const headers = { ...json, ...pay(await echo(), dialect) };
      const paid = await send(seller, '/', { method: 'POST', headers, body: BODY });
      expect([paid.status, paid.json()]).toEqual([200, JSON.parse(BODY)]);
    },
  );

  it('does not let an MPP payment buy another body', async () => {
    const headers = { ...json, ...pay(await echo(), 'mpp') };
    const swapped = await send(seller, '/', {
      method: 'POST',
      headers,
      body: JSON.stringify({ city: 'Oslo' }),
    });
    expect([swapped.status, swapped.json().code]).toEqual([402, 'body_mismatch']);
    const dropped = await send(seller, '/', { method: 'POST', headers });
    expect([dropped.status, dropped.json().code]).toEqual([402, 'body_mismatch']);
  });
});

it('an MPP challenge for no body does not pay for one', async () => {
  const charge = wall();
  seller = await listen((req, res) => charge(req, res, () => res.end('served')));
  const headers = pay(await send(seller, '/', { method: 'POST' }), 'mpp');
  const reply = await send(seller, '/', { method: 'POST', headers, body: 'x' });
  expect([reply.status, reply.json().code]).toEqual([402, 'body_mismatch']);
});

describe('a body above the limit', () => {
  it.each([
    ['announced', {}],
    ['chunked', { 'transfer-encoding': 'chunked' }],
  ])('%s is offered what needs not to bind it: x402, and no MPP challenge', async (_, headers) => {
    const charge = wall({ maxBodyBytes: 100 });
    seller = await listen((req, res) => charge(req, res, () => res.end('served')));
    const reply = await send(seller, '/', { method: 'POST', headers, body: 'x'.repeat(101) });
    expect([reply.status, reply.json().code]).toEqual([402, 'payment_required']);
    expect([typeof reply.headers['payment-required'], reply.headers['www-authenticate']]).toEqual([
      'string',
      undefined,
    ]);
    expect(reply.json().accepts).toHaveLength(1);
  });

  it('streams to a handler that is paid in x402', async () => {
    const charge = wall({ maxBodyBytes: 100 });
    seller = await listen((req, res) =>
      charge(req, res, async () => void res.end(String((await readText(req)).length))),
    );
    const headers = pay(await send(seller, '/'), 'x402v2');
    expect((await send(seller, '/', { method: 'POST', headers, body: 'x'.repeat(100_000) })).text).toBe(
      '100000',
    );
  });
});

it.each([
  ['a number beyond all range', '1e999'],
  ['20000 nested lists', `${'['.repeat(20_000)}${']'.repeat(20_000)}`],
])("a parsed body without a canonical form is the caller's fault: %s", async (_, value) => {
  const app = express();
  app.use(express.json({ strict: false }), wall(), (_req, res) => void res.json({}));
  seller = await listen(app);
  const reply = await send(seller, '/', { method: 'POST', headers: json, body: `{"a":${value}}` });
  expect([400, 402]).toContain(reply.status);
});

it('an upload that breaks off harms nobody', async () => {
  const charge = wall();
  seller = await listen((req, res) => charge(req, res, () => res.end()));
  const outgoing = request({
    host: '127.0.0.1',
    port: seller.port,
    method: 'POST',
    headers: { 'content-length': 1000 },
    agent: false,
  });
  const broken = new Promise((resolve) => outgoing.on('error', resolve));
  await new Promise<void>((resolve) => outgoing.write('part', () => resolve()));
  await send(seller, '/');
  outgoing.destroy(new Error('gone'));
  await broken;
  expect((await send(seller, '/')).status).toBe(402);
});
