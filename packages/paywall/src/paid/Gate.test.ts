import { once } from 'node:events';
import { request, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import express from 'express';
import { manualClock } from '@agentpay/primitives';
import { paywall } from '../index.js';
import {
  PAY_TO,
  fakeFacilitator,
  listen,
  pay,
  send,
  type Reply,
  type Seller,
} from '../seller.test.support.js';

let seller: Seller;
afterEach(() => seller?.close());

type Handler = (res: ServerResponse) => unknown;

/** Pays for a bare `node:http` handler. */
async function buy(handler: Handler, options = {}, request: { method?: string } = {}) {
  const facilitator = fakeFacilitator();
  const wall = paywall({ payTo: PAY_TO, facilitator, logger: false, ...options });
  seller = await listen((req, res) => wall.charge('$0.01')(req, res, () => handler(res)));
  const headers = pay(await send(seller, '/'), 'x402v2');
  const reply = await send(seller, '/', { headers, ...request });
  return { facilitator, reply, headers };
}

function expectPaid({ reply, facilitator }: { reply: Reply; facilitator: { moved: string[] } }) {
  expect(reply.headers['payment-response']).toBeDefined();
  expect(facilitator.moved).toHaveLength(1);
}

function expectFree({ reply, facilitator }: { reply: Reply; facilitator: { calls: { settle: number } } }) {
  expect(reply.headers['payment-response']).toBeUndefined();
  expect(reply.headers['payment-receipt']).toBeUndefined();
  expect(facilitator.calls.settle).toBe(0);
}

describe('a response is charged and carries the receipt', () => {
  it.each<[string, Handler, string]>([
    ['end', (res) => res.end('whole'), 'whole'],
    ['write and end', (res) => [res.write('a'), res.write(Buffer.from('b')), res.end('c')], 'abc'],
    ['write with an encoding', (res) => [res.write('61', 'hex'), res.end()], 'a'],
    ['writeHead with an object', (res) => res.writeHead(200, { 'x-own': 'yes' }).end('x'), 'x'],
    ['writeHead with a list', (res) => res.writeHead(200, 'Fine', ['x-own', 'yes']).end('x'), 'x'],
    ['flushHeaders first', (res) => [res.flushHeaders(), res.end('x')], 'x'],
    ['a piped stream', (res) => Readable.from(['one ', 'two ', 'three']).pipe(res), 'one two three'],
    ['a pipeline', (res) => pipeline(Readable.from(['one ', 'two']), res), 'one two'],
    [
      'an async handler that waits for its writes',
      async (res) => {
        await new Promise<void>((resolve) => res.write('a', () => resolve()));
        res.end('b');
      },
      'ab',
    ],
    ['no content', (res) => res.writeHead(204).end(), ''],
  ])('%s', async (_, handler, text) => {
    const bought = await buy(handler);
    expect(bought.reply.text).toBe(text);
    expectPaid(bought);
  });

  it('writeHead keeps status, message and repeated headers', async () => {
    const { reply } = await buy((res) =>
      res.writeHead(201, 'Made', ['x-own', 'yes', 'set-cookie', 'a=1', 'set-cookie', 'b=2']).end(),
    );
    expect([reply.status, reply.headers['x-own'], reply.headers['set-cookie']]).toEqual([
      201,
      'yes',
      ['a=1', 'b=2'],
    ]);
  });

  it('a public answer becomes private', async () => {
    const { reply } = await buy((res) =>
      res.writeHead(200, { 'cache-control': 'public, max-age=60, s-maxage=90' }).end(),
    );
    expect(reply.headers['cache-control']).toBe('private, max-age=60');
  });

  it('early hints, which would go out before the payment, do not go out', async () => {
    const hinting: Handler = (res) =>
      res.writeEarlyHints({ link: '</secret.css>; rel=preload' }, () => res.end('x'));
    const { headers } = await buy(hinting);
    const hints: unknown[] = [];
    const outgoing = request(seller.url, {
      headers: { ...headers, ...pay(await send(seller, '/'), 'x402v2') },
      agent: false,
    });
    outgoing.on('information', ({ statusCode }) => hints.push(statusCode)).end();
    const [response] = (await once(outgoing, 'response')) as [{ statusCode: number; resume(): void }];
    response.resume();
    expect([response.statusCode, hints]).toEqual([200, []]);
  });

  it('callbacks of end run once the response is out', async () => {
    const ended = new Promise<void>((resolve) => {
      void buy((res) => res.end('x', () => resolve()));
    });
    await ended;
  });

  it('the response sent again holds no cookies', async () => {
    const { headers } = await buy((res) =>
      res.writeHead(200, { 'set-cookie': 'session=1', 'x-own': 'yes' }).end('x'),
    );
    const again = await send(seller, '/', { headers });
    expect([again.text, again.headers['x-own'], again.headers['set-cookie']]).toEqual([
      'x',
      'yes',
      undefined,
    ]);
  });

  it('HEAD neither runs the handler nor spends the proof: GET has it afterwards', async () => {
    const bought = await buy((res) => res.end('whole'), {}, { method: 'HEAD' });
    expect([bought.reply.status, bought.reply.text]).toEqual([402, '']);
    expect(bought.reply.headers['payment-required']).toBeDefined();
    expectFree(bought);
    const reply = await send(seller, '/', { headers: bought.headers });
    expect([reply.status, reply.text]).toEqual([200, 'whole']);
    expectPaid({ ...bought, reply });
  });
});

describe('a response is not charged', () => {
  it.each<[string, number, Handler]>([
    ['a failure', 500, (res) => res.writeHead(500).end('no')],
    ['not found', 404, (res) => res.writeHead(404).end('no')],
    ['a redirect', 302, (res) => res.writeHead(302, { location: '/x' }).end()],
    ['not modified', 304, (res) => res.writeHead(304).end()],
  ])('%s', async (_, status, handler) => {
    const bought = await buy(handler);
    expect(bought.reply.status).toBe(status);
    expectFree(bought);
  });

  it.each<[string, Handler]>([
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
    [
      'throws after a write',
      (res) => {
        res.setHeader('x-secret', '1');
        res.write('partial');
        throw new Error('broken');
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
  ])('a handler that %s: nothing of its response goes out', async (_, handler) => {
    const bought = await buy(handler);
    expect([bought.reply.status, bought.reply.json().code, bought.reply.headers['x-secret']]).toEqual([
      500,
      'internal_error',
      undefined,
    ]);
    expect(bought.reply.text).not.toContain('broken');
    expectFree(bought);
  });

  it('too long to be held: a clear error, and the payment can be sent again', async () => {
    const endless = (res: ServerResponse) => {
      for (let chunks = 0; chunks < 100; chunks++) res.write(Buffer.alloc(1024));
      res.end();
    };
    const bought = await buy(endless, { maxResponseBytes: 10 * 1024 });
    expect([bought.reply.status, bought.reply.json().code]).toEqual([500, 'response_too_large']);
    const again = await send(seller, '/', { headers: bought.headers });
    expect(again.json().code).toBe('response_too_large');
    expectFree(bought);
  });

  it('never finished: 504 when its time is up', async () => {
    const clock = manualClock(Date.now());
    const bought = await buy(() => clock.advance(1_000), { clock, handlerTimeoutMs: 1_000 });
    expect([bought.reply.status, bought.reply.json().code]).toEqual([504, 'handler_timeout']);
    expectFree(bought);
  });

  it('finished too late: what it still writes goes nowhere', async () => {
    const clock = manualClock(Date.now());
    let finishLate = () => undefined as unknown;
    const bought = await buy(
      (res) => {
        finishLate = () => [res.write('late'), res.end('late')];
        clock.advance(1_000);
      },
      { clock, handlerTimeoutMs: 1_000 },
    );
    expect(bought.reply.status).toBe(504);
    finishLate();
    expectFree(bought);
  });

  it('the client left: no charge, and the same proof buys the response later', async () => {
    const facilitator = fakeFacilitator();
    const wall = paywall({ logger: false, payTo: PAY_TO, facilitator });
    const started: ServerResponse[] = [];
    seller = await listen((req, res) =>
      wall.charge('$0.01')(req, res, () => (started.length ? res.end('served') : started.push(res))),
    );
    const headers = pay(await send(seller, '/'), 'x402v2');
    const gone = request({ host: '127.0.0.1', port: seller.port, path: '/', headers, agent: false });
    gone.on('error', () => undefined);
    gone.end();
    while (started.length === 0) await send(seller, '/');
    const closed = once(started[0] as ServerResponse, 'close');
    gone.destroy();
    await closed;
    (started[0] as ServerResponse).end('nobody is there');
    expect(facilitator.calls.settle).toBe(0);
    const reply = await send(seller, '/', { headers });
    expect([reply.status, reply.text]).toEqual([200, 'served']);
    expect(facilitator.moved).toHaveLength(1);
  });
});

describe('under Express 5', () => {
  async function buyFrom(handler: express.RequestHandler) {
    const facilitator = fakeFacilitator();
    const app = express();
    app.get('/', paywall({ logger: false, payTo: PAY_TO, facilitator }).charge('$0.01'), handler);
    app.use(
      ((_error, _req, res, _next) =>
        void res.status(500).json({ code: 'own_error' })) as express.ErrorRequestHandler,
    );
    seller = await listen(app);
    const reply = await send(seller, '/', { headers: pay(await send(seller, '/'), 'x402v2') });
    return { facilitator, reply };
  }

  it.each<[string, express.RequestHandler, string]>([
    ['json', (_req, res) => void res.json({ a: 1 }), '{"a":1}'],
    ['send', (_req, res) => void res.send('text'), 'text'],
    ['an async handler', async (_req, res) => void res.json(await Promise.resolve([1])), '[1]'],
  ])('%s is charged', async (_, handler, text) => {
    const bought = await buyFrom(handler);
    expect(bought.reply.text).toBe(text);
    expect(bought.reply.headers['etag']).toBeDefined();
    expectPaid(bought);
  });

  it('the application answers its own errors, uncharged', async () => {
    const bought = await buyFrom(() => {
      throw new Error('broken');
    });
    expect([bought.reply.status, bought.reply.json()]).toEqual([500, { code: 'own_error' }]);
    expectFree(bought);
  });

  it('a redirect is not charged', async () => {
    const bought = await buyFrom((_req, res) => res.redirect('/elsewhere'));
    expect(bought.reply.status).toBe(302);
    expectFree(bought);
  });

  it('a handler that passes on to nothing is a 404, uncharged', async () => {
    const bought = await buyFrom((_req, _res, next) => next());
    expect(bought.reply.status).toBe(404);
    expectFree(bought);
  });
});
