import type { RequestListener, ServerResponse } from 'node:http';
import { paywall, type Paywall } from '@agentpay/paywall';
import { mpp, toBase64, x402v2, type Facilitator } from '@agentpay/protocol';
import connect from 'connect';
import express from 'express';
import express4 from 'express4';
import { newAccount } from './payment.js';
import { closeServers, dialects, proofFor, sendRaw, serve } from './paywallSeller.js';

const payTo = newAccount().address;
const GOODS = 'the goods';

/** Nothing in this file may get as far as a facilitator. */
const asked: string[] = [];
const facilitator: Facilitator = {
  verify: async () => ({ isValid: asked.push('verify') > 0 }),
  settle: async ({ paymentRequirements }) => ({
    success: asked.push('settle') > 0,
    transaction: '',
    network: paymentRequirements.network,
  }),
  supported: async () => ({ kinds: [], extensions: [], signers: {} }),
};

const routes = {
  'GET /weather': '$0.01',
  'GET /items/:id': '$0.01',
  '/reports/*': '$0.01',
  'POST /free': 'free',
} as const;
const sell = (_req: unknown, res: ServerResponse) => void res.end(GOODS);

afterEach(async () => {
  await closeServers();
  expect(asked.splice(0)).toEqual([]);
});

const frameworks: Record<string, (pay: Paywall) => RequestListener> = {
  'Express 5': (pay) =>
    express().use(pay).get(['/weather', '/items/:id', '/reports/*rest'], sell).post('/free', sell),
  'Express 4': (pay) =>
    express4().use(pay).get(['/weather', '/items/:id', '/reports/*'], sell).post('/free', sell),
  'Express 5, mounted': (pay) =>
    express().use('/api', pay, express.Router().get(['/weather', '/items/:id', '/reports/*rest'], sell)),
  Connect: (pay) =>
    connect()
      .use(pay as connect.NextHandleFunction)
      .use('/weather', sell)
      .use('/items', sell)
      .use('/reports', sell),
  'node:http': (pay) => (req, res) => pay(req, res, () => sell(req, res)),
};

/** Spellings of what is for sale, as they may stand in a request line. */
const spellings = [
  '/weather',
  '/weather/',
  '/weather?x',
  '/weather?/free',
  '/weather#x',
  '/WEATHER',
  '/w%65ather',
  '/%2577eather',
  '//weather',
  '/./weather',
  '/x/../weather',
  '/x/%2e%2e/weather',
  '/x%2F..%2Fweather',
  '/%5Cweather',
  '/%2Fweather',
  '//evil.example/weather',
  '/items/%',
  '/items/%c0',
  '/items/%zz%1%',
  '/items/a%2Fb',
  '/items/a%2fb',
  '/items/a%5Cb',
  '/items/a\\b',
  '/items/a%00',
  '/items/a%E2%80%A8b',
  '//items/1',
  '/items/1/',
  '/items//1',
  '/reports/',
  '/reports/%0A',
  '/reports/%E2%80%A8',
  '/reports/a/b%2F..',
  '/reports%2Fa',
  '/reports//',
  '/reports/\\..\\x',
];

describe.each(Object.entries(frameworks))('B16 %s', (name, build) => {
  const mount = name.includes('mounted') ? '/api' : '';
  const open = () => serve(build(paywall({ logger: false, payTo, facilitator, routes })));

  it.each(['GET', 'HEAD'])('every spelling of a priced path is charged under %s', async (method) => {
    const url = await open();
    const responses = await Promise.all(
      spellings.map((target) => sendRaw(url, Buffer.from(`${method} ${mount}${target} HTTP/1.1`))),
    );
    expect(Object.fromEntries(spellings.map((target, i) => [target, responses[i]?.status]))).toEqual(
      Object.fromEntries(spellings.map((target) => [target, 402])),
    );
  });

  it.each([
    'GET http://shop.example/weather HTTP/1.1',
    'GET HTTPS://shop.example:443/weather HTTP/1.1',
    'GET \\weather HTTP/1.1',
    'GET /weather\t HTTP/1.1',
    'get /weather HTTP/1.1',
    'POST /weather HTTP/1.1',
    'DELETE /weather HTTP/1.1',
    'QUERY /weather HTTP/1.1',
    'GET /weather HTTP/1.0',
    'GET /weather\u2028 HTTP/1.1',
    'GET /reports/a\u2028b HTTP/1.1',
  ])('%j gets no goods', async (line) => {
    const response = await sendRaw(
      await open(),
      Buffer.from(line.replace(/\/(?=weather|reports)/, `${mount}/`)),
    );
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.body).not.toContain(GOODS);
  });

  it('OPTIONS costs nothing and reaches nobody who sells', async () => {
    const response = await sendRaw(await open(), `OPTIONS ${mount}/weather HTTP/1.1`, [
      'Origin: https://page.example',
    ]);
    expect([response.status, response.body]).toEqual([204, '']);
  });

  it('headers of proxies, and those that name another path or method, change nothing', async () => {
    const url = await open();
    const elsewhere = [
      'X-Original-URL: /free',
      'X-Rewrite-URL: /free',
      'X-Forwarded-Prefix: /free',
      'X-HTTP-Method-Override: POST',
    ];
    const proxied = ['X-Forwarded-For: ::1', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: evil.example'];
    const plain = await sendRaw(url, `GET ${mount}/weather HTTP/1.1`);
    const lied = await sendRaw(url, `GET ${mount}/weather HTTP/1.1`, [...elsewhere, ...proxied]);
    expect([plain.status, lied.status, lied.body.includes('evil.example')]).toEqual([402, 402, false]);
    expect(offeredUrl(lied.head)).toBe(offeredUrl(plain.head));
  });
});

const offeredUrl = (head: string) =>
  x402v2.decodePaymentRequired(/^payment-required: (.*)$/im.exec(head)?.[1] as string).resource.url;

describe('B16 a method that middleware rewrites', () => {
  const override: express.RequestHandler = (req, _res, next) => {
    req.method = req.get('x-http-method-override') ?? req.method;
    next();
  };
  const lines = ['X-HTTP-Method-Override: GET', 'Content-Length: 0'];

  it('before the paywall is the one that is charged for', async () => {
    const url = await serve(
      express()
        .use(override)
        .use(paywall({ logger: false, payTo, facilitator, routes }))
        .get('/weather', sell),
    );
    expect((await sendRaw(url, 'POST /weather HTTP/1.1', lines)).status).toBe(402);
  });

  it('behind the paywall finds the path closed under the method that came', async () => {
    const url = await serve(
      express()
        .use(paywall({ logger: false, payTo, facilitator, routes }))
        .use(override)
        .get('/weather', sell),
    );
    expect((await sendRaw(url, 'POST /weather HTTP/1.1', lines)).status).toBe(405);
  });
});

describe('B19 headers that are no proof', () => {
  const deep = (depth: number) => Buffer.from(`${'['.repeat(depth)}${']'.repeat(depth)}`).toString('base64');
  const json = (value: string) => Buffer.from(value).toString('base64');
  const prototypes = '"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}';
  const polluting = `{"x402Version":2,${prototypes},"accepted":{},"payload":{}}`;

  it.each<[string, string]>([
    ['bad base64', 'PAYMENT-SIGNATURE: !!!'],
    ['nothing', 'PAYMENT-SIGNATURE:'],
    ['base64 of no JSON', `PAYMENT-SIGNATURE: ${json('{')}`],
    ['JSON that is no object', `X-PAYMENT: ${json('null')}`],
    ['deep JSON', `PAYMENT-SIGNATURE: ${deep(5_000)}`],
    ['__proto__ and constructor, v2', `PAYMENT-SIGNATURE: ${json(polluting)}`],
    ['__proto__ and constructor, v1', `X-PAYMENT: ${json(polluting)}`],
    [
      '__proto__ and constructor, MPP',
      `Authorization: Payment ${Buffer.from(polluting).toString('base64url')}`,
    ],
    ['a scheme without a credential', 'Authorization: Payment'],
    ['two credentials on a line', 'Authorization: Payment e30, Payment e30'],
    ['15 kB of nonsense', `X-PAYMENT: ${'A'.repeat(15_000)}`],
    ['a line folded', 'X-PAYMENT: e30\r\n e30'],
  ])('%s', async (_, line) => {
    const url = await serve(
      express()
        .use(paywall({ logger: false, payTo, facilitator, routes }))
        .get('/weather', sell),
    );
    const response = await sendRaw(url, 'GET /weather HTTP/1.1', [line]);
    expect([400, 402]).toContain(response.status);
    expect(response.body).not.toContain(GOODS);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('a megabyte: not read to its end, and the server lives on', async () => {
    const url = await serve(
      express()
        .use(paywall({ logger: false, payTo, facilitator, routes }))
        .get('/weather', sell),
    );
    const response = await sendRaw(url, 'GET /weather HTTP/1.1', [
      `PAYMENT-SIGNATURE: ${'A'.repeat(1_000_000)}`,
    ]);
    expect([431, Number.NaN]).toContain(response.status);
    expect((await sendRaw(url, 'GET /weather HTTP/1.1')).status).toBe(402);
  });
});

describe('B19 proofs with something foreign in them', () => {
  const open = () =>
    serve(
      express()
        .use(paywall({ logger: false, payTo, facilitator, routes }))
        .get('/weather', sell),
    );

  it.each(dialects)('%s joined with another by a comma', async (dialect) => {
    const url = `${await open()}/weather`;
    const [name, value] = [...(await proofFor(newAccount(), url, dialect))][0] as [string, string];
    const response = await sendRaw(url, 'GET /weather HTTP/1.1', [`${name}: ${value}, ${value}`]);
    expect(response.status).toBe(400);
  });

  const injected = '\r\nSet-Cookie: session=thief\r\n\r\n<script>';
  it.each<
    [string, (accepted: Record<string, unknown>, payload: { authorization: Record<string, unknown> }) => void]
  >([
    ['line breaks in the network', (accepted) => void (accepted['network'] += injected)],
    ['line breaks in the payer', (_, { authorization }) => void (authorization['from'] += injected)],
    ['line breaks in extra', (accepted) => void (accepted['extra'] = { name: injected, version: '2' })],
    ['digits that only look like digits', (accepted) => void (accepted['network'] = 'eip155:８４５３２')],
    ['an amount in such digits', (_, { authorization }) => void (authorization['value'] = '１００００')],
    ['a Cyrillic scheme', (accepted) => void (accepted['scheme'] = 'еxact')],
    [
      'a Cyrillic payee',
      (accepted) => void (accepted['payTo'] = String(accepted['payTo']).replace(/[aceAC]/, 'а')),
    ],
    ['a right-to-left mark', (accepted) => void (accepted['asset'] = `\u202e${String(accepted['asset'])}`)],
  ])('%s: refused, and not repeated in any header', async (_, spoil) => {
    const url = `${await open()}/weather`;
    const header = (await proofFor(newAccount(), url, 'x402v2')).get('payment-signature') as string;
    const proof = structuredClone(x402v2.decodePaymentPayload(header)) as unknown as {
      accepted: Record<string, unknown>;
      payload: { authorization: Record<string, unknown> };
    };
    spoil(proof.accepted, proof.payload);
    const response = await sendRaw(url, 'GET /weather HTTP/1.1', [`PAYMENT-SIGNATURE: ${toBase64(proof)}`]);
    expect([400, 402]).toContain(response.status);
    expect(response.head).not.toMatch(/set-cookie/i);
    expect(response.body).not.toContain('<script>');
  });

  it('an MPP credential whose challenge repeats a line break', async () => {
    const url = `${await open()}/weather`;
    const credential = mpp.readCredential(
      (await proofFor(newAccount(), url, 'mpp')).get('authorization') as string,
    );
    const changed = { ...credential, challenge: { ...credential.challenge, realm: `x${injected}` } };
    const response = await sendRaw(url, 'GET /weather HTTP/1.1', [
      `Authorization: ${mpp.serializeCredential(changed)}`,
    ]);
    expect([response.status, /set-cookie/i.test(response.head)]).toEqual([402, false]);
  });

  it('a request id that is none is not repeated', async () => {
    const response = await sendRaw(await open(), 'GET /weather HTTP/1.1', [
      'X-Request-Id: <script>alert(1)</script>',
    ]);
    expect([response.status, (response.head + response.body).includes('<script>')]).toEqual([402, false]);
  });
});
