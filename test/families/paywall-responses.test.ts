import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gunzipSync } from 'node:zlib';
import { paywall, type PaywallOptions, type SettleTiming } from '@agentpay/paywall';
import type { Facilitator } from '@agentpay/protocol';
import { eventually } from '@agentpay/testing';
import compression from 'compression';
import express, { type RequestHandler } from 'express';
import { newAccount } from '../attacks/payment.js';
import { closeServers, proofFor, serve } from '../attacks/paywallSeller.js';

const PAY_TO = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
const HASH = `0x${'cd'.repeat(32)}`;
const payer = newAccount();
/** Long enough to be worth compressing. */
const TEXT = 'all work and no play '.repeat(500);

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'agentpay-responses-'));
  file = join(folder, 'report.txt');
  writeFileSync(file, TEXT);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

afterEach(closeServers);

interface Shop {
  readonly url: string;
  readonly settled: () => number;
}

interface ShopOptions {
  readonly settle?: SettleTiming;
  /** In front of the paywall. */
  readonly around?: RequestHandler[];
  readonly maxResponseBytes?: number;
}

/** An Express 5 application that sells what `handlers` answer. */
async function open(
  handlers: RequestHandler[],
  { settle = 'after', around = [], ...options }: ShopOptions = {},
): Promise<Shop> {
  let settled = 0;
  const facilitator: Facilitator = {
    verify: async () => ({ isValid: true }),
    settle: async ({ paymentRequirements: { network } }) => ({
      success: ++settled > 0,
      transaction: HASH,
      network,
    }),
    supported: async () => ({ kinds: [], extensions: [], signers: {} }),
  };
  const given: PaywallOptions = { payTo: PAY_TO, facilitator, logger: false, ...options };
  const app = express();
  if (around.length > 0) app.use(...around);
  app.get('/', paywall(given).charge({ price: '$0.01', settle }), ...handlers);
  return { url: `${await serve(app)}/`, settled: () => settled };
}

const proofOf = async ({ url }: Shop) => Object.fromEntries(await proofFor(payer, url, 'x402v2'));

interface Bought {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly trailers: NodeJS.Dict<string>;
  readonly body: Buffer;
}

function ask(url: string, headers: Record<string, string>, method = 'GET'): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(url, { method, headers, agent: false }, resolve).on('error', reject).end();
  });
}

async function buy(shop: Shop, headers: Record<string, string> = {}, method = 'GET'): Promise<Bought> {
  const incoming = await ask(shop.url, { ...(await proofOf(shop)), ...headers }, method);
  const chunks = await incoming.toArray();
  return {
    status: incoming.statusCode as number,
    headers: incoming.headers,
    trailers: incoming.trailers,
    body: Buffer.concat(chunks),
  };
}

const paidFor = ({ headers }: Bought) => headers['payment-response'] !== undefined;
const gzip = { 'accept-encoding': 'gzip' };

describe.each(['after', 'before', 'optimistic'] as const)('under Express 5, settled %s', (settle) => {
  const paid = settle !== 'optimistic';

  describe.each(['in front of', 'behind'] as const)('compression %s the paywall', (place) => {
    const openCompressed = (handler: RequestHandler) =>
      place === 'behind'
        ? open([compression(), handler], { settle })
        : open([handler], { settle, around: [compression()] });

    it.each<[string, RequestHandler]>([
      ['send', (_req, res) => void res.type('text').send(TEXT)],
      [
        'write and end',
        (_req, res) => {
          res.type('text');
          for (let i = 0; i < TEXT.length; i += 1000) res.write(TEXT.slice(i, i + 1000));
          res.end();
        },
      ],
      [
        'a pipe',
        (_req, res) => void Readable.from([TEXT.slice(0, 5000), TEXT.slice(5000)]).pipe(res.type('text')),
      ],
      ['sendFile', (_req, res) => res.sendFile(file)],
    ])('%s comes compressed, whole and with the receipt', async (_, handler) => {
      const shop = await openCompressed(handler);
      const bought = await buy(shop, gzip);
      expect([bought.status, bought.headers['content-encoding'], paidFor(bought)]).toEqual([
        200,
        'gzip',
        paid,
      ]);
      expect(gunzipSync(bought.body).toString()).toBe(TEXT);
      expect(bought.headers['vary']).toMatch(/Accept-Encoding/);
      const plain = await buy(shop);
      expect([plain.headers['content-encoding'], plain.body.toString()]).toEqual([undefined, TEXT]);
    });

    it('a failure comes compressed and uncharged', async () => {
      const shop = await openCompressed((_req, res) => void res.status(500).type('text').send(TEXT));
      const bought = await buy(shop, gzip);
      expect([bought.status, gunzipSync(bought.body).toString()]).toEqual([500, TEXT]);
      expect(shop.settled()).toBe(settle === 'before' ? 1 : 0);
    });
  });

  it('a file, whole and in parts', async () => {
    const shop = await open([(_req, res) => res.sendFile(file)], { settle });
    const whole = await buy(shop);
    expect([whole.status, whole.body.toString(), paidFor(whole)]).toEqual([200, TEXT, paid]);
    const part = await buy(shop, { range: 'bytes=4-7' });
    expect([part.status, part.headers['content-range'], part.body.toString()]).toEqual([
      206,
      `bytes 4-7/${TEXT.length}`,
      'work',
    ]);
    expect(paidFor(part)).toBe(paid);
    const settled = shop.settled();
    const head = await buy(shop, {}, 'HEAD');
    // it is told what GET costs, and its proof is not spent
    expect([head.status, head.body.length, shop.settled()]).toEqual([402, 0, settled]);
  });

  it.each([
    ['not modified, by its ETag', (etag: string) => ({ 'if-none-match': etag }), 304],
    ['out of range', () => ({ range: 'bytes=999999-' }), 416],
  ])('a file %s costs nothing unless the money is taken first', async (_, headersFor, status) => {
    const shop = await open([(_req, res) => res.sendFile(file)], { settle });
    const whole = await buy(shop);
    const before = shop.settled();
    const bought = await buy(shop, headersFor(whole.headers['etag'] as string));
    expect([bought.status, bought.body.toString()]).toEqual([status, expect.not.stringContaining('no play')]);
    expect(shop.settled() - before).toBe(settle === 'before' ? 1 : 0);
  });
});

const endless = () =>
  Readable.from(
    (function* () {
      for (;;) yield Buffer.alloc(64 * 1024);
    })(),
  );

describe('answers longer than may be held', () => {
  it.each<[string, (source: Readable) => RequestHandler]>([
    ['a pipe', (source) => (_req, res) => void source.pipe(res)],
    ['a pipeline', (source) => async (_req, res) => pipeline(source, res).catch(() => undefined)],
  ])('%s: 500 at once, and nothing goes on flowing into the void', async (_, handlerOf) => {
    const source = endless();
    const shop = await open([handlerOf(source)], { maxResponseBytes: 1_000_000 });
    const bought = await buy(shop);
    expect([bought.status, (JSON.parse(bought.body.toString()) as { code: string }).code]).toEqual([
      500,
      'response_too_large',
    ]);
    expect(shop.settled()).toBe(0);
    expect(source.readableFlowing === false || source.destroyed).toBe(true);
  });

  it('a file: 500, uncharged; settled before it streams', async () => {
    const handler: RequestHandler = (_req, res) => res.sendFile(file);
    const held = await open([handler], { maxResponseBytes: 1_000 });
    const refused = await buy(held);
    expect([refused.status, held.settled()]).toEqual([500, 0]);
    const streamed = await open([handler], { settle: 'before', maxResponseBytes: 1_000 });
    expect((await buy(streamed)).body.toString()).toBe(TEXT);
  });
});

describe('streams that are settled before', () => {
  it('server-sent events arrive as they are written', async () => {
    let finish: (() => void) | undefined;
    const shop = await open(
      [
        (_req, res) => {
          res.type('text/event-stream').flushHeaders();
          res.write('data: 1\n\n');
          finish = () => res.end('data: 2\n\n');
        },
      ],
      { settle: 'before' },
    );
    const incoming = await ask(shop.url, await proofOf(shop));
    const [first] = (await incoming.take(1).toArray()) as [Buffer];
    expect(first.toString()).toBe('data: 1\n\n');
    finish?.();
  });

  it('a pipe waits for a client that does not read', async () => {
    const source = endless();
    const responses: ServerResponse[] = [];
    const shop = await open([(_req, res) => void (responses.push(res), source.pipe(res))], {
      settle: 'before',
    });
    const incoming = await ask(shop.url, await proofOf(shop));
    await eventually(() =>
      expect([responses[0]?.writableNeedDrain, source.isPaused()]).toEqual([true, true]),
    );
    incoming.destroy();
  });
});

describe('trailers', () => {
  const trailing: RequestHandler = (_req, res) => {
    res.set('Trailer', 'Checksum');
    res.write('one ');
    res.addTrailers({ Checksum: 'abc' });
    res.end('two');
  };

  it.each(['after', 'before', 'optimistic'] as const)('of the handler arrive, settled %s', async (settle) => {
    const bought = await buy(await open([trailing], { settle }));
    expect([bought.body.toString(), bought.trailers]).toEqual(['one two', { checksum: 'abc' }]);
  });

  describe("of settle: 'before' hold the receipt", () => {
    const streaming: RequestHandler = (_req, res) => [res.write('one '), res.end('two')];
    const te = { te: 'gzip;q=0.5, trailers', connection: 'TE' };

    it('after the last byte, where the client takes trailers', async () => {
      const shop = await open([streaming], { settle: 'before' });
      const bought = await buy(shop, te);
      expect(bought.trailers).toEqual({ 'payment-response': bought.headers['payment-response'] });
      expect([bought.headers['trailer'], bought.body.toString()]).toEqual(['PAYMENT-RESPONSE', 'one two']);
      expect((await buy(shop)).trailers).toEqual({});
    });

    it('beside those of the handler', async () => {
      const bought = await buy(await open([trailing], { settle: 'before' }), te);
      expect(bought.trailers).toEqual({
        checksum: 'abc',
        'payment-response': bought.headers['payment-response'],
      });
    });

    it.each<[string, RequestHandler]>([
      ['whose length is known', (_req, res) => void res.send('all')],
      ['without a body', (_req, res) => void res.status(204).end()],
      ['that is a failure', (_req, res) => [res.status(500).write('no'), res.end()]],
    ])('but not of a response %s', async (_, handler) => {
      const bought = await buy(await open([handler], { settle: 'before' }), te);
      expect([bought.trailers, bought.headers['trailer']]).toEqual([{}, undefined]);
      expect(paidFor(bought)).toBe(true);
    });
  });
});
