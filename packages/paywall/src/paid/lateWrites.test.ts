import { once } from 'node:events';
import { request, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import connect from 'connect';
import express from 'express';
import { manualClock } from '@agentpay/primitives';
import { paywall, type PaywallOptions, type SettleTiming } from '../index.js';
import {
  fakeFacilitator,
  listen,
  pay,
  PAY_TO,
  send,
  type Reply,
  type Seller,
} from '../seller.test.support.js';

type Late = (res: ServerResponse & express.Response) => unknown;

/** Everything by which a handler can still touch a response, each as the frameworks or handlers themselves do it. */
const bare: readonly (readonly [string, Late])[] = [
  ['setHeader', (res) => res.setHeader('x-late', '1')],
  ['setHeaders', (res) => res.setHeaders(new Map([['x-late', '1']]))],
  ['appendHeader', (res) => res.appendHeader('x-late', '1')],
  ['removeHeader', (res) => res.removeHeader('content-type')],
  ['addTrailers', (res) => res.addTrailers({ 'x-late': '1' })],
  ['statusCode', (res) => (res.statusCode = 201)],
  ['writeHead', (res) => res.writeHead(200, { 'x-late': '1' })],
  ['writeHead and end', (res) => res.writeHead(200, 'Fine', ['x-late', '1']).end('late')],
  ['flushHeaders', (res) => res.flushHeaders()],
  ['write', (res) => res.write('late')],
  ['end', (res) => res.end('late')],
  ['end twice', (res) => [res.end('late'), res.end('later')]],
  ['write after end', (res) => [res.end('late'), res.write('later')]],
  ['writeContinue', (res) => res.writeContinue()],
  ['writeProcessing', (res) => res.writeProcessing()],
  ['writeEarlyHints', (res) => res.writeEarlyHints({ link: '</x>; rel=preload' })],
  ['pipe', (res) => Readable.from(['late ', 'later']).pipe(res)],
  ['destroy', (res) => res.destroy()],
  ['destroy with an error', (res) => res.destroy(new Error('late'))],
  ['a write that waits', (res) => new Promise<void>((done) => res.write('late', () => done()))],
  ['an end that waits', (res) => new Promise<void>((done) => res.end('late', () => done()))],
];
const ofExpress: readonly (readonly [string, Late])[] = [
  ['json', (res) => res.json({ a: 1 })],
  ['send', (res) => res.send('late')],
  ['status and json', (res) => res.status(500).json({ a: 1 })],
  ['set and cookie', (res) => res.set('x-late', '1').cookie('a', 'b')],
  ['redirect', (res) => res.redirect('/elsewhere')],
  ['type and vary', (res) => res.type('html').vary('accept')],
  ['sendStatus', (res) => res.sendStatus(204)],
];

const underNode =
  (middleware: Middleware, handler: Handler): RequestListener =>
  (req, res) =>
    middleware(req, res, () => handler(res as ServerResponse & express.Response));
const underExpress = (middleware: Middleware, handler: Handler): RequestListener =>
  express().get('/', middleware as express.RequestHandler, (_req, res) => handler(res)) as RequestListener;

const underConnect = (middleware: Middleware, handler: Handler): RequestListener =>
  connect()
    .use(middleware)
    .use((_req, res) => handler(res as ServerResponse & express.Response));

type Middleware = (req: IncomingMessage, res: ServerResponse, next: () => unknown) => void;
type Handler = (res: ServerResponse & express.Response) => void;

const members = [
  ...bare.map(([name, late]) => ['node:http', name, underNode, late] as const),
  ...bare.map(([name, late]) => ['Connect', name, underConnect, late] as const),
  ...[...bare, ...ofExpress].map(([name, late]) => ['Express', name, underExpress, late] as const),
];

const uncaught: unknown[] = [];
const note = (error: unknown) => void uncaught.push(error);
beforeEach(() => {
  uncaught.length = 0;
  process.on('uncaughtException', note).on('unhandledRejection', note);
});
afterEach(() => void process.off('uncaughtException', note).off('unhandledRejection', note));

/** What streams and callbacks do comes in later turns of the loop. */
async function expectNothingUncaught(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(uncaught).toEqual([]);
}

describe('what a handler does too late goes nowhere, quietly', () => {
  let seller: Seller | undefined;
  afterEach(() => seller?.close());

  /** A seller whose handler does nothing until the test has its response. */
  async function open(
    adapter: typeof underNode,
    options: Partial<PaywallOptions> = {},
    settle?: 'before' | 'optimistic',
  ) {
    const facilitator = fakeFacilitator();
    const wall = paywall({ payTo: PAY_TO, facilitator, logger: false, ...options });
    const price = settle ? { price: '$0.01', settle } : '$0.01';
    let given: (res: ServerResponse & express.Response) => void = () => undefined;
    const running = new Promise<ServerResponse & express.Response>((resolve) => (given = resolve));
    const opened = await listen(adapter(wall.charge(price), (res) => given(res)));
    seller = opened;
    const headers = pay(await send(opened, '/'), 'x402v2');
    return { seller: opened, running, headers };
  }

  async function expectQuiet(res: ServerResponse & express.Response, late: Late): Promise<void> {
    await late(res);
    await expectNothingUncaught();
  }

  it.each(members)('%s: %s, after the buyer hung up', async (_, _name, adapter, late) => {
    const { seller, running, headers } = await open(adapter);
    const gone = request({ host: '127.0.0.1', port: seller.port, path: '/', headers, agent: false });
    gone.on('error', () => undefined).end();
    const res = await running;
    const closed = once(res, 'close');
    gone.destroy();
    await closed;
    await expectQuiet(res, late);
    expect((await send(seller, '/')).status).toBe(402);
  });

  it.each(members)(
    '%s: %s, after handlerTimeoutMs: the buyer has the 504 alone',
    async (_, _name, adapter, late) => {
      const clock = manualClock(Date.now());
      const { seller, running, headers } = await open(adapter, { clock, handlerTimeoutMs: 1_000 });
      const reply = send(seller, '/', { headers });
      const res = await running;
      const finished = once(res, 'finish');
      clock.advance(1_000);
      await finished;
      await expectQuiet(res, late);
      const got = await reply;
      expect([got.status, got.headers['x-late'], got.json().code]).toEqual([
        504,
        undefined,
        'handler_timeout',
      ]);
    },
  );

  it.each(members)('%s: %s, after the response has ended', async (_, _name, adapter, late) => {
    const { seller, running, headers } = await open(adapter);
    const reply = send(seller, '/', { headers });
    const res = await running;
    res.end('the goods');
    if (!['pipe', 'destroy', 'destroy with an error'].includes(_name)) await expectQuiet(res, late);
    const { status, headers: got, text } = await reply;
    expect([status, got['x-late'], text]).toEqual([200, undefined, 'the goods']);
    await expectQuiet(res, late);
  });

  it.each(['before', 'optimistic'] as const)(
    'settle %s: a handler that answers a buyer who hung up',
    async (settle) => {
      for (const [, late] of [...bare, ...ofExpress]) {
        const { seller, running, headers } = await open(underExpress, {}, settle);
        const gone = request({ host: '127.0.0.1', port: seller.port, path: '/', headers, agent: false });
        gone.on('error', () => undefined).end();
        const res = await running;
        const closed = once(res, 'close');
        gone.destroy();
        await closed;
        if (settle === 'optimistic') await expectQuiet(res, late);
        await seller.close();
      }
    },
  );
});

/** Everything that a handler in the style of fetch can still come up with. */
const lateResponses: readonly (readonly [string, () => Response | Promise<Response>])[] = [
  ['a text', () => new Response('late', { headers: { 'x-late': '1' } })],
  ['JSON with cookies', () => Response.json({ a: 1 }, { headers: { 'set-cookie': 'a=b', 'x-late': '1' } })],
  ['a redirect', () => Response.redirect('https://shop.example/elsewhere', 302)],
  ['no content', () => new Response(null, { status: 204 })],
  ['a fault', () => new Response('late', { status: 500 })],
  ['Response.error()', () => Response.error()],
  ['nothing', () => undefined as unknown as Response],
  ['a stream', () => new Response(streamOf('late ', 'later'))],
  ['a stream that breaks off', () => new Response(streamOf('late ', new Error('source broke')))],
  ['a stream that never ends', () => new Response(new ReadableStream({ pull: (to) => to.enqueue(CHUNK) }))],
  ['a stream that never begins', () => new Response(new ReadableStream({ pull: () => never }))],
  ['a body that was read before', readBefore],
  ['a body that somebody else reads', readElsewhere],
  ['an error', () => Promise.reject(new Error('late'))],
];
const CHUNK = new Uint8Array(64 * 1024);
const never = new Promise<void>(() => undefined);

function streamOf(...parts: (string | Error)[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(to) {
      const part = parts.shift();
      if (part === undefined) to.close();
      else if (typeof part === 'string') to.enqueue(new TextEncoder().encode(part));
      else to.error(part);
    },
  });
}

async function readBefore(): Promise<Response> {
  const response = new Response('late');
  await response.text();
  return response;
}

function readElsewhere(): Response {
  const response = new Response(streamOf('late'));
  response.body?.getReader();
  return response;
}

describe.each(lateResponses)(
  'a server in the style of fetch whose handler gives %s too late',
  (_name, late) => {
    const url = 'https://shop.example/weather';

    /** A seller whose handler waits for the test, and a buyer who has a proof. */
    async function open(options: Partial<PaywallOptions> = {}, settle: SettleTiming = 'after') {
      const facilitator = fakeFacilitator();
      const routes = { '/weather': { price: '$0.01', settle } };
      const wall = paywall({ payTo: PAY_TO, facilitator, routes, logger: false, ...options });
      let begin: () => void = () => undefined;
      let go: () => void = () => undefined;
      const running = new Promise<void>((resolve) => (begin = resolve));
      const released = new Promise<void>((resolve) => (go = resolve));
      const handler = async () => {
        begin();
        await released;
        return late();
      };
      const unpaid = await wall.respond(new Request(url), handler);
      expect(unpaid.status).toBe(402);
      const offered = { headers: Object.fromEntries(unpaid.headers), json: () => body } as Reply;
      const body: unknown = await unpaid.json();
      const headers = pay(offered, 'x402v2');
      return { wall, handler, running, go, headers, facilitator };
    }

    it.each(['after', 'before', 'optimistic'] as const)(
      'settle %s: after the buyer hung up',
      async (settle) => {
        const { wall, handler, running, go, headers, facilitator } = await open({}, settle);
        const leaving = new AbortController();
        const answer = wall.respond(new Request(url, { headers, signal: leaving.signal }), handler);
        const failed = expect(answer).rejects.toThrow(/abort/);
        await running;
        leaving.abort();
        await failed;
        go();
        await expectNothingUncaught();
        expect(facilitator.calls.settle).toBe(settle === 'before' ? 1 : 0);
        expect((await wall.respond(new Request(url), handler)).status).toBe(402);
      },
    );

    it('after handlerTimeoutMs: the buyer has the 504 alone', async () => {
      const clock = manualClock(Date.now());
      const { wall, handler, running, go, headers, facilitator } = await open({
        clock,
        handlerTimeoutMs: 1_000,
      });
      const answer = wall.respond(new Request(url, { headers }), handler);
      await running;
      clock.advance(1_000);
      const response = await answer;
      go();
      await expectNothingUncaught();
      const { code } = (await response.json()) as { code: string };
      expect([response.status, response.headers.get('x-late'), code]).toEqual([504, null, 'handler_timeout']);
      await expectNothingUncaught();
      expect(facilitator.calls.settle).toBe(0);
    });
  },
);
