import { once } from 'node:events';
import { request, type ServerResponse } from 'node:http';
import { systemClock, type Clock } from '@agentpay/primitives';
import { paywall, type PaywallOptions } from '@agentpay/paywall';
import { x402v2 } from '@agentpay/protocol';
import { testRedis } from '@agentpay/testing';
import { redisStore } from '@agentpay/tracker';
import express, { type RequestHandler } from 'express';
import type { Hex } from 'viem';
import type { PrivateKeyAccount } from 'viem/accounts';
import { openAttackBed, whenBroadcast, type AttackBed, type Target } from './attackBed.js';
import { newAccount, paymentOf, PRICE, transferOf, type Request } from './payment.js';
import { closeServers, dialects, proofFor, serve } from './paywallSeller.js';

const SECRET = 's'.repeat(32);

describe('a paywall under attack, on its facilitator and a chain', () => {
  let bed: AttackBed;
  let target: Target;
  let payer: PrivateKeyAccount;
  let payTo: Hex;
  let runs: number;

  beforeAll(async () => {
    bed = await openAttackBed();
    target = await bed.start();
  });
  afterAll(() => bed?.close());
  beforeEach(async () => {
    payer = await bed.payer();
    payTo = newAccount().address;
    runs = 0;
  });
  afterEach(closeServers);

  const goods: RequestHandler = (_req, res) =>
    void res.set('Cache-Control', 'public, max-age=600').send(`goods ${runs}`);

  /** A seller in front of Express 5; gives the URL of what it sells. */
  async function open(
    handler: RequestHandler = goods,
    options: Partial<PaywallOptions> = {},
  ): Promise<string> {
    const pay = paywall({
      payTo,
      facilitator: target.url,
      mppSecret: SECRET,
      logger: false,
      ...options,
    });
    const app = express();
    app.get('/goods', pay.charge('$0.01') as RequestHandler, (req, res, next) => {
      runs++;
      return handler(req, res, next);
    });
    // What an application without a handler of its own would log.
    app.use(
      ((error: Error, _req, res, _next) =>
        void res.status(500).send(error.name)) as express.ErrorRequestHandler,
    );
    return `${await serve(app)}/goods`;
  }

  const expectUnpaid = async (transactions: number) => {
    expect([await bed.usdc(payTo), await bed.sent(target.signer, 'pending')]).toEqual([0n, transactions]);
  };

  describe.each(dialects)('B15 one payment in %s, many times', (dialect) => {
    it('248 copies to two sellers over one Redis, at once and in a row: one run, one answer, one transfer', async () => {
      const { redis, prefix, close } = await testRedis();
      const store = redisStore(redis, { prefix });
      // All of an x402 v1 proof is on the chain in the end.
      const options = { store, ...(dialect === 'x402v1' && { repeats: {} }) };
      const urls = [await open(goods, options), await open(goods, options)] as const;
      const headers = await proofFor(payer, urls[0], dialect);
      const ask = async (i: number) => {
        const response = await fetch(urls[i % 2] as string, { headers });
        return `${response.status} ${response.status === 200 ? await response.text() : ''}`;
      };
      const atOnce = await Promise.all(Array.from({ length: 200 }, (_, i) => ask(i)));
      const inARow: string[] = [];
      for (let i = 0; i < 48; i++) inARow.push(await ask(i));
      await close();
      expect(new Set(atOnce.filter((answer) => answer !== '409 '))).toEqual(new Set(['200 goods 1']));
      expect(new Set(inARow)).toEqual(new Set(['200 goods 1']));
      expect([runs, await bed.usdc(payTo)]).toEqual([1, PRICE]);
    });

    it('after a restart that forgot everything: 409, nothing runs, nothing moves', async () => {
      const before = await open();
      const headers = await proofFor(payer, before, dialect);
      expect((await fetch(before, { headers })).status).toBe(200);
      const replayed = await fetch(await open(), { headers });
      expect([replayed.status, replayed.headers.has('payment-required')]).toEqual([409, false]);
      expect([runs, await bed.usdc(payTo)]).toEqual([1, PRICE]);
    });
  });

  describe('B15 an authorization that somebody else broadcasts first', () => {
    const authorizationIn = (headers: Headers) => {
      const { payload } = x402v2.decodePaymentPayload(headers.get('payment-signature') as string);
      return transferOf({ paymentPayload: { payload } } as unknown as Request);
    };

    it('while it is being settled: paid once, and its buyer is served', async () => {
      const url = await open();
      const headers = await proofFor(payer, url, 'x402v2');
      const answer = await bed.withoutBlocks(async () => {
        const sent = fetch(url, { headers });
        await whenBroadcast(bed, target);
        await bed.act(authorizationIn(headers));
        return { sent };
      });
      const response = await answer.sent;
      expect([response.status, await response.text(), await bed.usdc(payTo)]).toEqual([
        200,
        'goods 1',
        PRICE,
      ]);
    });

    it('while the handler runs: a 409, as it may have paid for something else', async () => {
      const proof: { headers?: Headers } = {};
      const url = await open(async (_req, res) => {
        await bed.act(authorizationIn(proof.headers as Headers));
        res.send('sold');
      });
      proof.headers = await proofFor(payer, url, 'x402v2');
      const response = await fetch(url, { headers: proof.headers });
      expect([response.status, await response.text(), runs]).toEqual([
        409,
        expect.not.stringContaining('sold'),
        1,
      ]);
    });
  });

  describe('B17 served, then not paid; paid, then not served', () => {
    it('the payer spends the money elsewhere while the handler runs: the response is withheld', async () => {
      const elsewhere = newAccount().address;
      const away = await paymentOf(payer, { payTo: elsewhere, authorization: { value: 10n * PRICE } });
      const url = await open(async (_req, res) => {
        await bed.act(transferOf(away));
        res.set('X-Goods', 'yes').send('sold');
      });
      const response = await fetch(url, { headers: await proofFor(payer, url, 'x402v2') });
      expect([response.status, response.headers.get('x-goods')]).toEqual([402, null]);
      expect(await response.text()).not.toContain('sold');
      expect(await bed.usdc(payTo)).toBe(0n);
    });

    it.each<[string, RequestHandler]>([
      ['answers 500', (_req, res) => void res.status(500).send('goods')],
      [
        'throws after a part is written',
        (_req, res) => {
          res.write('goods');
          throw new Error('broken');
        },
      ],
    ])('a handler that %s: no transaction is sent', async (_, handler) => {
      const before = await bed.sent(target.signer, 'pending');
      const url = await open(handler);
      expect((await fetch(url, { headers: await proofFor(payer, url, 'x402v2') })).status).toBe(500);
      await expectUnpaid(before);
    });

    it('a client that leaves half-way: no transaction is sent, and the same proof buys later', async () => {
      const before = await bed.sent(target.signer, 'pending');
      const begun: ServerResponse[] = [];
      const url = await open((_req, res) =>
        begun.length > 0 ? void res.send('goods') : void begun.push(res),
      );
      const headers = await proofFor(payer, url, 'x402v2');
      const leaving = request(url, { headers: Object.fromEntries(headers), agent: false }).on(
        'error',
        () => undefined,
      );
      leaving.end();
      while (begun.length === 0) await fetch(url);
      const [response] = begun as [ServerResponse];
      const closed = once(response, 'close');
      leaving.destroy();
      await closed;
      response.end('goods');
      await expectUnpaid(before);
      expect((await fetch(url, { headers })).status).toBe(200);
      expect(await bed.usdc(payTo)).toBe(PRICE);
    });
  });

  describe('B20 caches in between', () => {
    /** A shared cache as careless as it may be: it minds Cache-Control and nothing else. `strip` takes headers out of answers. */
    async function sharedCache(origin: string, strip: readonly string[] = []): Promise<string> {
      const kept = new Map<string, { status: number; body: string }>();
      const base = new URL(origin).origin;
      const url = await serve(async (req, res) => {
        const hit = kept.get(req.url ?? '');
        if (hit) return res.writeHead(hit.status, { 'x-cache': 'hit' }).end(hit.body);
        const { host: _, connection: __, ...headers } = req.headers;
        const response = await fetch(base + req.url, { headers: headers as Record<string, string> });
        const body = await response.text();
        const storable = !/\b(?:private|no-store)\b/.test(response.headers.get('cache-control') ?? '');
        if (storable) kept.set(req.url ?? '', { status: response.status, body });
        const sent = [...response.headers].filter(([name]) => !['content-length', ...strip].includes(name));
        return res.writeHead(response.status, Object.fromEntries(sent)).end(body);
      });
      return `${url}/goods`;
    }

    it('a shared cache keeps neither a response that was paid for nor an offer', async () => {
      const url = await sharedCache(await open());
      const paid = await fetch(url, { headers: await proofFor(payer, url, 'x402v2') });
      expect([paid.status, await paid.text()]).toEqual([200, 'goods 1']);
      const stranger = await fetch(url);
      expect([stranger.status, stranger.headers.get('x-cache')]).toEqual([402, null]);
    });

    it('what a paid response can be recognised by does not open it: If-None-Match without a proof is a 402', async () => {
      const url = await open();
      const paid = await fetch(url, { headers: await proofFor(payer, url, 'x402v2') });
      const conditional = await fetch(url, {
        headers: { 'if-none-match': paid.headers.get('etag') as string },
      });
      expect([paid.status, conditional.status]).toEqual([200, 402]);
    });

    it('a proxy that strips the headers of payment leaves an offer that can be paid, in x402 v1', async () => {
      const strip = [
        'payment-required',
        'www-authenticate',
        'payment-response',
        'x-payment-response',
        'payment-receipt',
      ];
      const url = await sharedCache(await open(), strip);
      const response = await fetch(url, { headers: await proofFor(payer, url, 'x402v1') });
      expect([response.status, await response.text(), await bed.usdc(payTo)]).toEqual([
        200,
        'goods 1',
        PRICE,
      ]);
    });
  });

  it('B22 a challenge that has expired buys nothing', async () => {
    let ahead = 0;
    const clock: Clock = { now: () => systemClock.now() + ahead, timer: systemClock.timer };
    const url = await open(goods, { clock });
    const headers = await proofFor(payer, url, 'mpp');
    ahead = 301_000;
    const response = await fetch(url, { headers });
    expect([response.status, ((await response.json()) as { code: string }).code, runs]).toEqual([
      402,
      'payment_expired',
      0,
    ]);
  });
});
