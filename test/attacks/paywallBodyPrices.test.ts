import type { RequestListener } from 'node:http';
import { Readable } from 'node:stream';
import { text as readText } from 'node:stream/consumers';
import {
  brotliCompressSync,
  brotliDecompressSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateSync,
} from 'node:zlib';
import type { RequestView, Paywall } from '@agentpay/paywall';
import connect from 'connect';
import express from 'express';
import express4 from 'express4';
import { closeServers, serve } from './paywallSeller.js';
import { answer, buy, CHEAP, DEAR, wallOf, type See } from './pricedSale.js';

afterEach(closeServers);

describe('F4 the price by a body is the price of what the handler reads', () => {
  const encodings: Record<string, (bytes: Buffer) => Buffer> = {
    none: (bytes) => bytes,
    identity: (bytes) => bytes,
    gzip: (bytes) => gzipSync(bytes),
    GZIP: (bytes) => gzipSync(bytes),
    deflate: (bytes) => deflateSync(bytes),
    br: (bytes) => brotliCompressSync(bytes),
    'gzip, gzip': (bytes) => gzipSync(gzipSync(bytes)),
    zstd: (bytes) => bytes,
    'gzip, which it is not,': (bytes) => bytes,
  };
  const utf16be = (text: string) => Buffer.from(text, 'utf16le').swap16();
  const charsets: Record<string, [parameter: string, (text: string) => Buffer]> = {
    none: ['', (text) => Buffer.from(text)],
    'utf-8': ['; charset=utf-8', (text) => Buffer.from(text)],
    'utf-8, quoted': ['; charset="UTF-8"', (text) => Buffer.from(text)],
    'utf-8 with a byte order mark': ['; charset=utf-8', (text) => Buffer.from(`\uFEFF${text}`)],
    'a byte order mark alone': ['', (text) => Buffer.from(`\uFEFF${text}`)],
    'utf-16le': ['; charset=utf-16le', (text) => Buffer.from(text, 'utf16le')],
    'utf-16be': ['; charset=utf-16be', utf16be],
    'utf-16 with a mark': ['; charset=utf-16', (text) => utf16be(`\uFEFF${text}`)],
    'utf-16 without one': ['; charset=utf-16', (text) => Buffer.from(text, 'utf16le')],
    latin1: ['; charset=iso-8859-1', (text) => Buffer.from(text, 'latin1')],
    'one that nobody knows': ['; charset=klingon', (text) => Buffer.from(text)],
    'two of them': ['; charset=utf-8; charset=utf-16le', (text) => Buffer.from(text)],
    'a parameter that is none': ['; charset', (text) => Buffer.from(text)],
  };
  const CORNERS = new Set(['none', 'gzip', 'utf-16le', 'gzip, gzip', 'one that nobody knows']);
  /** What must be sold, and not refused for safety: what body parsers read. */
  const READ = new Set([
    'none',
    'utf-8',
    'utf-8, quoted',
    'utf-8 with a byte order mark',
    'utf-16le',
    'utf-16be',
  ]);
  const bodies: [type: string, body: string][] = [
    ['application/json', '{"size":"big"}'],
    ['application/json', '[{"size":"big"}]'],
    ['application/x-www-form-urlencoded', 'size=big'],
    ['application/x-www-form-urlencoded', '{"size":"small","x":"&size=big&"}'],
    ['text/plain', '{"size":"big"}'],
    ['application/problem+json', '{"size":"big"}'],
  ];

  const sizeIn = (value: unknown): unknown => {
    const { size } = ((Array.isArray(value) ? value[0] : value) ?? {}) as { size?: unknown };
    return size;
  };
  const price = async ({ json }: RequestView) => (sizeIn(await json()) === 'big' ? '$5' : '$0.01');
  const routes = { 'POST /gen': price };
  const seeBody: See = (req) => sizeIn(req.body);

  /** A handler of its own: undoes what the headers say, and reads JSON or a form. */
  const read = async (type: string, encoding: string, stream: AsyncIterable<Uint8Array>) => {
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    const decoded = await new Response(Buffer.concat(chunks)).bytes();
    const undo = { gzip: gunzipSync, deflate: inflateSync, br: brotliDecompressSync }[encoding.toLowerCase()];
    const text = new TextDecoder(/charset="?([\w-]+)/.exec(type)?.[1] ?? 'utf-8').decode(
      undo ? undo(decoded) : decoded,
    );
    return sizeIn(
      type.includes('urlencoded') ? Object.fromEntries(new URLSearchParams(text)) : JSON.parse(text),
    );
  };

  type Adapter = (pay: Paywall) => RequestListener;
  const parsers = () => [express.json(), express.urlencoded({ extended: true })] as const;
  const parsers4 = () => [express4.json(), express4.urlencoded({ extended: true })] as const;
  const adapters: Record<string, Adapter> = {
    'Express 5, parsers after': (pay) =>
      express()
        .use(pay, ...parsers())
        .post('/gen', answer(seeBody)),
    'Express 5, parsers before': (pay) =>
      express()
        .use(...parsers(), pay)
        .post('/gen', answer(seeBody)),
    'Express 4, parsers after': (pay) =>
      express4()
        .use(pay, ...parsers4())
        .post('/gen', answer(seeBody)),
    'Express 4, parsers before': (pay) =>
      express4()
        .use(...parsers4(), pay)
        .post('/gen', answer(seeBody)),
    'Express 5, parsers before that keep the bytes': (pay) =>
      express()
        .use(express.json({ verify: (req, _res, raw) => Object.assign(req, { rawBody: raw }) }), pay)
        .post('/gen', answer(seeBody)),
    'Express 5, bytes before': (pay) =>
      express()
        .use(express.raw({ type: '*/*' }), pay)
        .post(
          '/gen',
          answer((req) => read(req.headers['content-type'] as string, '', Readable.from([req.body]))),
        ),
    'Express 5, text before': (pay) =>
      express()
        .use(express.text({ type: '*/*' }), pay)
        .post(
          '/gen',
          answer((req) => sizeIn(JSON.parse(req.body as string))),
        ),
    'Connect, parsers after': (pay) =>
      connect()
        .use(pay as connect.NextHandleFunction)
        .use(parsers()[0] as connect.NextHandleFunction)
        .use(parsers()[1] as connect.NextHandleFunction)
        .use('/gen', answer(seeBody) as connect.NextHandleFunction),
    'Connect, parsers before': (pay) =>
      connect()
        .use(parsers()[0] as connect.NextHandleFunction)
        .use(parsers()[1] as connect.NextHandleFunction)
        .use(pay as connect.NextHandleFunction)
        .use('/gen', answer(seeBody) as connect.NextHandleFunction),
    'node:http': (pay) => (req, res) =>
      pay(req, res, () =>
        answer((given) =>
          read(given.headers['content-type'] as string, given.headers['content-encoding'] ?? '', given),
        )(req, res).catch(() => res.writeHead(400).end()),
      ),
    'node:http, JSON whatever it says': (pay) => (req, res) =>
      pay(req, res, () =>
        answer(async (given) => sizeIn(JSON.parse(await readText(given))))(req, res).catch(() =>
          res.writeHead(400).end(),
        ),
      ),
  };

  type Send = (init: { body: Buffer; headers: Record<string, string> }) => Promise<Response>;
  async function check(send: Send, name: string): Promise<void> {
    let sold = 0;
    for (const [index, [type, body]] of bodies.entries()) {
      for (const [charset, [parameter, write]] of Object.entries(charsets)) {
        for (const [encoding, encode] of Object.entries(encodings)) {
          // All combinations for the first, the corners for the others.
          if (index > 0 && !(CORNERS.has(charset) && CORNERS.has(encoding))) continue;
          const sent: Record<string, string> = { 'content-type': type + parameter };
          if (encoding !== 'none') sent['content-encoding'] = encoding.split(', which')[0] as string;
          const bytes = encode(write(body));
          const sale = await buy((headers) => send({ body: bytes, headers: { ...sent, ...headers } }));
          const where = [name, type, charset, encoding, body, sale];
          expect([where, [200, 400, 413, 415, 500].includes(sale.status)]).toEqual([where, true]);
          if (sale.status !== 200) continue;
          sold++;
          expect([where, sale.amount]).toEqual([where, sale.seen === 'big' ? DEAR : CHEAP]);
        }
      }
    }
    expect(sold).toBeGreaterThan(10);
  }

  describe.each(Object.entries(adapters))('%s', (name, build) => {
    it('in every encoding, charset and type', async () => {
      const url = await serve(build(wallOf({ routes })));
      await check(
        ({ body, headers }) => fetch(`${url}/gen`, { method: 'POST', body: new Uint8Array(body), headers }),
        name,
      );
    });
  });

  it('respond, in every encoding, charset and type', async () => {
    const wall = wallOf({ routes });
    const handlers = {
      'respond, decoding': (request: Request) =>
        read(
          request.headers.get('content-type') as string,
          request.headers.get('content-encoding') ?? '',
          request.body as unknown as AsyncIterable<Uint8Array>,
        ),
      'respond, request.json()': async (request: Request) => sizeIn(await request.json()),
    };
    for (const [name, see] of Object.entries(handlers)) {
      await check(({ body, headers }) => {
        const request = new Request('https://shop.example/gen', {
          method: 'POST',
          body: new Uint8Array(body),
          headers,
        });
        return wall.respond(request, async (given) => Response.json({ seen: (await see(given)) ?? null }));
      }, name);
    }
  });

  it.each(Object.keys(encodings).slice(0, 6))(
    'what parsers read is sold and not refused: %s',
    async (encoding) => {
      const url = await serve((adapters['Express 5, parsers after'] as Adapter)(wallOf({ routes })));
      for (const charset of READ) {
        const [parameter, write] = charsets[charset] as (typeof charsets)[string];
        const body = new Uint8Array(encodings[encoding]?.(write('{"size":"big"}')) as Buffer);
        const sent = {
          'content-type': `application/json${parameter}`,
          ...(encoding !== 'none' && { 'content-encoding': encoding }),
        };
        const sale = await buy((headers) =>
          fetch(`${url}/gen`, { method: 'POST', body, headers: { ...sent, ...headers } }),
        );
        expect([charset, sale]).toEqual([charset, { status: 200, amount: DEAR, seen: 'big' }]);
      }
    },
  );

  it.each<[string, Buffer, Record<string, string>, number]>([
    [
      'a body that unpacks to more than the limit',
      gzipSync(Buffer.alloc(50_000, 32)),
      { 'content-encoding': 'gzip' },
      413,
    ],
    ['a body above the limit', Buffer.from(`{"size":"big","x":"${'x'.repeat(20_000)}"}`), {}, 413],
    ['a broken encoding', Buffer.from('no gzip'), { 'content-encoding': 'gzip' }, 400],
    ['half a gzip', gzipSync('{"size":"big"}').subarray(0, 20), { 'content-encoding': 'gzip' }, 400],
    ['broken UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), {}, 400],
    ['JSON that is none', Buffer.from('{"size":'), {}, 400],
    ['a number', Buffer.from('5'), {}, 400],
  ])(
    '%s is refused, also where the function catches the error, and by authorize',
    async (_, body, sent, status) => {
      const lenient = async ({ json }: RequestView) => {
        try {
          return sizeIn(await json()) === 'big' ? '$5' : '$0.01';
        } catch {
          return '$0.01';
        }
      };
      const authorize = async ({ json }: RequestView) =>
        sizeIn(await json().catch(() => ({}))) === 'big' ? 'pay' : 'grant';
      for (const options of [
        { routes: { 'POST /gen': lenient } },
        { routes: { 'POST /gen': '$1' }, authorize } as const,
      ]) {
        const url = await serve(
          (adapters['Express 5, parsers after'] as Adapter)(wallOf({ ...options, maxBodyBytes: 10_000 })),
        );
        const headers = { 'content-type': 'application/json', ...sent };
        const response = await fetch(`${url}/gen`, { method: 'POST', body: new Uint8Array(body), headers });
        expect(response.status).toBe(status);
      }
    },
  );

  it('a gzip body is no way past authorize', async () => {
    const authorize = async ({ json }: RequestView) => (sizeIn(await json()) === 'big' ? 'refuse' : 'grant');
    const url = await serve(
      (adapters['Express 5, parsers after'] as Adapter)(wallOf({ routes: { 'POST /gen': '$1' }, authorize })),
    );
    const sent = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const body = new Uint8Array(gzipSync('{"size":"big"}'));
    expect((await fetch(`${url}/gen`, { method: 'POST', body, headers: sent })).status).toBe(403);
  });
});
