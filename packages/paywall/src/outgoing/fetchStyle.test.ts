import { x402v2 } from '@agentpay/protocol';
import { paywall, type FetchHandler, type PaywallOptions } from '../index.js';
import {
  DIALECTS,
  HASH,
  PAY_TO,
  fakeFacilitator,
  pay,
  receiptOf,
  type Reply,
} from '../seller.test.support.js';

const URL_ = 'https://shop.example/weather?q=1';

function open(handler: FetchHandler, options: Partial<PaywallOptions> = {}) {
  const facilitator = fakeFacilitator();
  const wall = paywall({
    payTo: PAY_TO,
    facilitator,
    routes: { '/weather': '$0.01' },
    logger: false,
    ...options,
  });
  const ask = async (init: RequestInit = {}, url = URL_) =>
    reply(await wall.respond(new Request(url, init), handler));
  return { wall, facilitator, ask };
}

async function reply(response: Response): Promise<Reply> {
  const text = await response.text();
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    text,
    json: () => JSON.parse(text),
  };
}

const sell: FetchHandler = async (request) => {
  return Response.json({ sold: new URL(request.url).search, body: await request.text() }, { status: 201 });
};

describe.each(DIALECTS)('a fetch-style server paid in %s', (dialect) => {
  it('answers 402, then sells, once for one proof', async () => {
    const { ask, facilitator } = open(sell, { repeats: {} });
    const offer = await ask();
    expect([offer.status, offer.headers['cache-control']]).toEqual([402, 'no-store']);
    expect(x402v2.decodePaymentRequired(offer.headers['payment-required'] as string).resource.url).toBe(URL_);
    const headers = pay(offer, dialect);
    const paid = await ask({ headers });
    expect([paid.status, paid.json(), receiptOf(paid, dialect)]).toEqual([
      201,
      { sold: '?q=1', body: '' },
      HASH,
    ]);
    const again = await ask({ headers });
    expect([again.status, again.text, again.headers['x-payment-replayed']]).toEqual([201, paid.text, 'true']);
    expect(facilitator.moved).toHaveLength(1);
  });

  it('gives the body to the handler, and in MPP binds it', async () => {
    const { ask } = open(sell);
    const post = { method: 'POST', body: 'order 1' };
    const headers = pay(await ask(post), dialect);
    if (dialect === 'mpp') expect((await ask({ ...post, body: 'order 2', headers })).status).toBe(402);
    expect((await ask({ ...post, headers })).json().body).toBe('order 1');
  });
});

describe('a fetch-style server', () => {
  it('passes free routes to the handler as they are, with their body unread', async () => {
    const { ask } = open(async (request) => new Response(`${request.bodyUsed} ${await request.text()}`));
    expect((await ask({ method: 'POST', body: 'x' }, 'https://shop.example/free')).text).toBe('false x');
  });

  it('charges nothing for a handler that throws or answers an error', async () => {
    for (const handler of [
      () => Promise.reject(new Error('broken')),
      () => new Response('no', { status: 500 }),
    ]) {
      const { ask, facilitator } = open(handler);
      expect((await ask({ headers: pay(await ask(), 'x402v2') })).status).toBe(500);
      expect(facilitator.calls.settle).toBe(0);
    }
  });

  it('does not charge a client that left during the handler', async () => {
    const leaving = new AbortController();
    const { ask, facilitator } = open(() => {
      leaving.abort();
      return new Response('too late');
    });
    const headers = pay(await ask(), 'x402v2');
    await expect(ask({ headers, signal: leaving.signal })).rejects.toThrow(/abort/);
    expect(facilitator.calls.settle).toBe(0);
  });

  it("streams with settle: 'before', with back-pressure, and the receipt in the head", async () => {
    let pulled = 0;
    const chunk = new Uint8Array(64 * 1024);
    const body = () => new ReadableStream({ pull: (to) => (pulled++ < 64 ? to.enqueue(chunk) : to.close()) });
    const { wall, ask } = open(() => new Response(body()), {
      routes: { '/weather': { price: '$0.01', settle: 'before' } },
    });
    const headers = pay(await ask(), 'x402v2');
    const response = await wall.respond(new Request(URL_, { headers }), () => new Response(body()));
    expect(response.headers.get('payment-response')).not.toBeNull();
    for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
    expect(pulled).toBeLessThan(20);
    expect((await response.arrayBuffer()).byteLength).toBe(64 * chunk.length);
  });

  it('keeps several cookies apart, and answers HEAD without a body', async () => {
    const { wall, ask } = open(
      () =>
        new Response('x', {
          headers: [
            ['set-cookie', 'a=1'],
            ['set-cookie', 'b=2'],
          ],
        }),
    );
    const paid = await wall.respond(new Request(URL_, { headers: pay(await ask(), 'x402v2') }), () => {
      return new Response('x', {
        headers: [
          ['set-cookie', 'a=1'],
          ['set-cookie', 'b=2'],
        ],
      });
    });
    expect(paid.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    const head = await ask({ method: 'HEAD' });
    expect([head.status, head.text]).toEqual([402, '']);
  });

  it('needs price or routes', async () => {
    const wall = paywall({ logger: false, payTo: PAY_TO, facilitator: fakeFacilitator() });
    await expect(wall.respond(new Request(URL_), sell)).rejects.toThrow(/price or routes/);
  });

  describe.each(['after', 'before', 'optimistic'] as const)('that settles %s', (settle) => {
    const priced = { routes: { '/weather': { price: '$0.01', settle } } };

    it.each<[string, () => Response]>([
      ['Response.error()', () => Response.error()],
      ['the status 999', () => withStatus(999)],
      ['the status 101', () => withStatus(101)],
      ['nothing', () => undefined as unknown as Response],
    ])('answers 500 for a handler that gives %s', async (_, handler) => {
      const { ask, facilitator } = open(handler, priced);
      const paid = await ask({ headers: pay(await ask(), 'x402v2') });
      expect([paid.status, paid.json().code]).toEqual([500, 'internal_error']);
      // What is taken first is taken, and says so.
      expect(facilitator.calls.settle).toBe(settle === 'before' ? 1 : 0);
      expect(paid.headers['payment-response'] !== undefined).toBe(settle === 'before');
    });

    it('does not end the body of a stream that broke off', async () => {
      const faults: string[] = [];
      const { wall, ask } = open(sell, { ...priced, onError: ({ what }) => faults.push(what) });
      const headers = pay(await ask(), 'x402v2');
      const chunks = ['first ', 'second '].map((text) => new TextEncoder().encode(text));
      const broken = () =>
        new ReadableStream({
          pull(to) {
            const chunk = chunks.shift();
            if (chunk) to.enqueue(chunk);
            else to.error(new Error('source broke'));
          },
        });
      const response = await wall.respond(new Request(URL_, { headers }), () => new Response(broken()));
      if (settle === 'before') {
        expect(response.status).toBe(200);
        await expect(response.text()).rejects.toThrow();
        expect(faults).toEqual(['a response broke off']);
      } else {
        expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
          500,
          'internal_error',
        ]);
      }
    });
  });

  const big = (bytes: number): RequestInit => ({
    method: 'POST',
    duplex: 'half',
    body: new ReadableStream({
      pull(to) {
        if ((bytes -= 1000) < 0) to.close();
        else to.enqueue(new Uint8Array(1000));
      },
    }),
  });

  it('answers an unpaid body above the limit at once, without an MPP challenge, and lets go of the rest', async () => {
    const { ask } = open(sell, { maxBodyBytes: 5_000 });
    let cancelled = false;
    const endless: RequestInit = {
      method: 'POST',
      duplex: 'half',
      body: new ReadableStream({
        pull: (to) => to.enqueue(new Uint8Array(1000)),
        cancel: () => void (cancelled = true),
      }),
    };
    for (const init of [big(6_000), endless]) {
      const offer = await ask(init);
      expect([offer.status, offer.headers['www-authenticate']]).toEqual([402, undefined]);
      expect(offer.headers['payment-required']).toEqual(expect.any(String));
    }
    expect(cancelled).toBe(true);
  });

  it('gives a body above the limit whole to a handler that is paid in x402', async () => {
    const { ask } = open(async (request) => new Response(String((await request.arrayBuffer()).byteLength)), {
      maxBodyBytes: 5_000,
    });
    for (const dialect of ['x402v2', 'x402v1'] as const) {
      const headers = pay(await ask(big(20_000)), dialect);
      expect((await ask({ ...big(20_000), headers })).text).toBe('20000');
    }
  });

  it('sells in x402 to a request whose body the server has read before', async () => {
    const { wall, facilitator } = open(sell);
    const used = async (headers: Record<string, string> = {}) => {
      const request = new Request(URL_, { method: 'POST', body: 'order', headers });
      await request.text();
      return reply(await wall.respond(request, () => new Response('sold')));
    };
    const offer = await used();
    expect([offer.status, offer.headers['www-authenticate']]).toEqual([402, undefined]);
    expect((await used(pay(offer, 'x402v2'))).text).toBe('sold');
    expect(facilitator.moved).toHaveLength(1);
  });

  it('answers an upload that breaks off', async () => {
    const { ask } = open(sell);
    const body = new ReadableStream({ pull: (to) => to.error(new Error('gone')) });
    expect((await ask({ method: 'POST', body, duplex: 'half' })).status).toBe(408);
  });
});

function withStatus(status: number): Response {
  return new Proxy(new Response('x'), {
    get: (target, name) => (name === 'status' ? status : Reflect.get(target, name, target)),
  });
}
