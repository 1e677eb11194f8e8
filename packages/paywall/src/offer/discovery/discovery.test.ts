import express from 'express';
import fc from 'fast-check';
import { z } from 'zod';
import { formatDecimal } from '@agentpay/primitives';
import { mpp } from '@agentpay/protocol';
import { paywall, type Documents, type Price } from '../../index.js';
import {
  acceptsIn,
  PAY_TO,
  fakeFacilitator,
  listen,
  send,
  type Reply,
  type Seller,
} from '../../seller.test.support.js';

const OTHER = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';

let seller: Seller;
afterEach(() => seller?.close());

/** What a 402 offers, in the words of the documents. */
function offersOf(reply: Reply) {
  const challenges = mpp.readChallenges([reply.headers['www-authenticate']].flat().join(', '));
  const charges = challenges.map((challenge) => {
    const { amount, currency, recipient, methodDetails } = mpp.readEvmChargeRequest(challenge);
    return {
      intent: challenge.intent,
      method: challenge.method,
      amount,
      currency,
      recipient,
      chainId: methodDetails.chainId,
    };
  });
  return {
    x402: acceptsIn(reply),
    mpp: charges,
  };
}

// oxlint-disable-next-line typescript/no-explicit-any -- tests look into arbitrary JSON
type Operation = any;

/** Every operation of the document, with a path that no other pattern of these tests fits better. */
function operationsOf({
  openapi,
}: Pick<Documents, 'openapi'>): { method: string; path: string; operation: Operation }[] {
  return Object.entries(openapi.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      method,
      operation,
      path: path.replace(/\{\w+\}/g, 'x1'),
    })),
  );
}

function operationAt({ openapi }: Pick<Documents, 'openapi'>, path: string, method: string): Operation {
  return (openapi.paths ?? {})[path]?.[method];
}

async function fetched(): Promise<Omit<Documents, 'receiptKeys'>> {
  const [openapi, x402, llms] = await Promise.all(
    ['/openapi.json', '/.well-known/x402', '/llms.txt'].map((path) => send(seller, path)),
  );
  return { openapi: openapi?.json(), x402: x402?.json(), llms: llms?.text ?? '' };
}

const price = fc.integer({ min: 1, max: 50_000_000 }).map((amount) => formatDecimal(BigInt(amount)));
const segment = fc.constantFrom('a', 'b', 'items', ':id', ':item-id');
const path = fc.oneof(
  fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => segments.join('/')),
  fc.constant('files/*'),
);
const pattern = fc
  .tuple(fc.constantFrom('', 'GET ', 'POST ', 'DELETE '), path)
  .map(([method, rest]) => `${method}/${rest}`);
const route = fc.record({
  price,
  description: fc.constantFrom('One forecast', 'Ünïcode "quoted" | <b>', ''),
  accepts: fc.constantFrom([{}], [{ network: 'base' }, { network: 'base-sepolia', payTo: OTHER }]),
});

describe('discovery', () => {
  it('says what the 402 says, whatever the routes', async () => {
    const tables = fc.dictionary(pattern, fc.oneof(route, fc.constant('free' as const)), {
      minKeys: 1,
      maxKeys: 6,
    });
    await fc.assert(
      fc.asyncProperty(tables, async (routes) => {
        // One pattern of a kind, so that what a sample path asks for is the pattern it was made of.
        const kinds = new Map(Object.keys(routes).map((key) => [key.replace(/:[\w-]+/g, ':x'), key]));
        const distinct = Object.fromEntries([...kinds.values()].map((key) => [key, routes[key] as Price]));
        const wall = paywall({
          logger: false,
          payTo: PAY_TO,
          facilitator: fakeFacilitator(),
          routes: distinct,
        });
        seller = await listen((req, res) =>
          wall.discovery()(req, res, () => wall(req, res, () => res.end('free'))),
        );
        const documents = await fetched();
        const operations = operationsOf(documents);
        for (const { method, path, operation } of operations) {
          const reply = await send(seller, path, { method: method.toUpperCase() });
          const [{ x402, mpp: charges }, info] = [offersOf(reply), operation['x-payment-info']];
          expect([reply.status, info.x402.accepts]).toEqual([402, x402]);
          expect(info.offers).toMatchObject(charges);
          expect(info.offers).toHaveLength(charges.length);
        }
        expect(operations.length).toBe(documents.x402.items.length);
        expect(documents.llms.split('\n').filter((line) => line.startsWith('- `'))).toHaveLength(
          operations.length,
        );
        await seller.close();
      }),
      { numRuns: 60 },
    );
  });

  it('lists a method once, by the route that names it, whatever the parameters are called', async () => {
    const routes = { 'POST /:item-id': '$0.02', '/:id': '$0.01' };
    const wall = paywall({ logger: false, payTo: PAY_TO, facilitator: fakeFacilitator(), routes });
    seller = await listen((req, res) =>
      wall.discovery()(req, res, () => wall(req, res, () => res.end('free'))),
    );
    const listed = operationsOf(await fetched()).map(({ method, operation }) => {
      return [
        method,
        operation['x-payment-info'].x402.accepts.map(({ amount }: { amount: string }) => amount),
      ];
    });
    expect(listed.filter(([method]) => method === 'post')).toEqual([['post', ['20000']]]);
    expect(listed.filter(([method]) => method === 'get')).toEqual([['get', ['10000']]]);
  });

  it('lists the charge routes of an Express application, with what zod says of them', async () => {
    const wall = paywall({
      logger: false,
      payTo: PAY_TO,
      facilitator: fakeFacilitator(),
      baseUrl: 'https://api.example',
    });
    const app = express();
    app.use(wall.discovery({ app, title: 'Weather', description: 'Forecasts' }));
    const schemas = {
      query: z.object({ city: z.string(), days: z.number().optional() }),
      body: z.object({ note: z.string() }),
      response: z.object({ sky: z.enum(['blue', 'grey']) }),
    };
    app.post(
      '/weather/:day',
      wall.charge({ price: '$0.01', description: 'One forecast', schemas }),
      (_req, res) => res.json({}),
    );
    app.get('/free', (_req, res) => res.json({}));
    seller = await listen(app);
    const documents = await fetched();
    const { openapi, x402, llms } = documents;
    expect([openapi.openapi, openapi.info]).toEqual([
      '3.1.0',
      { title: 'Weather', version: '1', description: 'Forecasts' },
    ]);
    expect(Object.keys(openapi.paths ?? {})).toEqual(['/weather/{day}']);
    const operation = operationAt(documents, '/weather/{day}', 'post');
    expect(operation.parameters).toEqual([
      { name: 'day', in: 'path', required: true, schema: { type: 'string' } },
      { name: 'city', in: 'query', required: true, schema: { type: 'string' } },
      { name: 'days', in: 'query', required: false, schema: { type: 'number' } },
    ]);
    expect(operation.requestBody.content['application/json'].schema).toMatchObject({
      properties: { note: { type: 'string' } },
    });
    const answer = operation.responses['200'].content['application/json'].schema;
    expect(answer).toMatchObject({ properties: { sky: { enum: ['blue', 'grey'] } }, required: ['sky'] });
    expect(operation.responses['402'].description).toMatch(/^Payment required/);
    expect(x402).toMatchObject({
      resources: [],
      items: [{ method: 'POST', resource: 'https://api.example/weather/{day}' }],
    });
    expect(llms).toContain(
      '- `POST https://api.example/weather/{day}`: $0.01 in USDC on base-sepolia. One forecast\n',
    );
    expect((await send(seller, '/weather/today', { method: 'POST' })).status).toBe(402);
  });

  it('lists charges that are named by their paths, also in the style of fetch', async () => {
    const wall = paywall({ logger: false, payTo: PAY_TO, facilitator: fakeFacilitator() });
    const charges = { 'GET /items/:id': wall.charge('$0.02') };
    const discovery = wall.discovery({ charges });
    const ask = (path: string, init?: RequestInit) =>
      discovery.respond(new Request(`https://shop.example${path}`, init));
    const listed = (await (await ask('/.well-known/x402')).json()) as { items: object[] };
    expect(listed.items).toMatchObject([
      { method: 'GET', resource: 'https://shop.example/items/{id}', accepts: [{ amount: '20000' }] },
    ]);
    const head = await ask('/llms.txt', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect((await ask('/items/1')).status).toBe(404);
    expect((await ask('/openapi.json', { method: 'POST' })).status).toBe(404);
    const others = paywall({ logger: false, payTo: PAY_TO, facilitator: fakeFacilitator() });
    expect(() => others.discovery({ charges })).toThrow(/"GET \/items\/:id" in charges must be a charge\(\)/);
  });

  it('lists the charge routes of routers by the path at which they are mounted, and what is listed is for sale there', async () => {
    const wall = paywall({ logger: false, payTo: PAY_TO, facilitator: fakeFacilitator() });
    const charge = wall.charge('$0.01');
    const [app, api, inner] = [express(), express.Router(), express.Router()];
    app.use(wall.discovery({ app, routers: { '/api/': api, '/api/users/:user': inner } }));
    const sell: express.RequestHandler = (_req, res) => void res.end('goods');
    app.get('/top', charge, sell);
    api.get('/', charge, sell);
    api.get(['/weather/:day', '/sky'], charge, sell);
    api.get('/free', sell);
    inner.post('/mail', charge, sell);
    api.use('/users/:user', inner);
    app.use('/api', api);
    seller = await listen(app);
    const operations = operationsOf(await fetched());
    const paths = ['/top', '/api', '/api/weather/x1', '/api/sky', '/api/users/x1/mail'];
    expect(operations.map((one) => one.path)).toEqual(paths);
    for (const { method, path } of operations)
      expect((await send(seller, path, { method: method.toUpperCase() })).status).toBe(402);
  });

  it('names no amount where the request decides', async () => {
    const wall = paywall({
      logger: false,
      payTo: PAY_TO,
      facilitator: fakeFacilitator(),
      routes: { 'GET /words': () => '$0.03', 'GET /long': '$2.5' },
    });
    seller = await listen((req, res) => wall.discovery()(req, res, () => wall(req, res, () => res.end())));
    const documents = await fetched();
    const [offered] = offersOf(await send(seller, '/words')).mpp;
    const info = operationAt(documents, '/words', 'get')['x-payment-info'];
    expect(info.offers).toEqual([{ ...offered, amount: null }]);
    expect(documents.x402.items[0]?.accepts[0]?.amount).toBe(null);
    expect(documents.llms).toContain('a price that depends on the request');
    expect(documents.llms).toContain('/long`: $2.50 in USDC');
  });

  it('adds prices to the OpenAPI document of the application, and leaves the rest of it', async () => {
    const wall = paywall({
      logger: false,
      payTo: PAY_TO,
      facilitator: fakeFacilitator(),
      routes: { 'GET /weather': '$0.01' },
    });
    const own = {
      openapi: '3.0.3',
      info: { title: 'Mine', version: '7' },
      paths: {
        '/weather': { get: { operationId: 'weather', responses: { '200': { description: 'Sky' } } } },
        '/free': { get: {} },
      },
    };
    const documents = wall.discovery({ openapi: own }).documents('https://api.example/');
    expect(documents.openapi).toMatchObject(own);
    const operation = operationAt(documents, '/weather', 'get');
    expect(Object.keys(operation.responses)).toEqual(['200', '402']);
    expect(operation['x-payment-info'].offers).toHaveLength(1);
  });

  it('is for every origin and for caches, asked by GET and HEAD alone', async () => {
    const wall = paywall({
      logger: false,
      payTo: PAY_TO,
      facilitator: fakeFacilitator(),
      routes: { '/weather': '$0.01' },
    });
    seller = await listen((req, res) => wall.discovery()(req, res, () => res.end('next')));
    const { headers } = await send(seller, '/openapi.json');
    expect(headers).toMatchObject({
      'cache-control': 'public, max-age=300',
      'access-control-allow-origin': '*',
      vary: 'Host',
    });
    expect((await send(seller, '/llms.txt', { method: 'HEAD' })).text).toBe('');
    expect((await send(seller, '/llms.txt', { method: 'POST' })).text).toBe('next');
    expect((await send(seller, '/llms.txt/x')).text).toBe('next');
  });

  it('knows its options', () => {
    const wall = paywall({ logger: false, payTo: PAY_TO, facilitator: fakeFacilitator() });
    expect(() => wall.discovery({ tittle: 'x' } as object)).toThrow(
      'discovery(): unknown option "tittle"; did you mean "title"?',
    );
    const routers = { api: express.Router() };
    expect(() => wall.discovery({ routers })).toThrow(
      'discovery(): "api" in routers must be a path such as "/api".',
    );
  });
});
