import { x402v2 } from '@agentpay/protocol';
import { paywall, type FetchHandler, type PaywallOptions } from './index.js';
import {
  DIALECTS,
  HASH,
  PAY_TO,
  fakeFacilitator,
  pay,
  receiptOf,
  type Reply,
} from './seller.test.support.js';

const URL_ = 'https://shop.example/weather?q=1';

function open(handler: FetchHandler, options: Partial<PaywallOptions> = {}) {
  const facilitator = fakeFacilitator();
  const wall = paywall({
    payTo: PAY_TO,
    facilitator,
    routes: { '/weather': '$0.01' },
    onError: () => undefined,
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
    const { ask, facilitator } = open(sell);
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
    const wall = paywall({ payTo: PAY_TO, facilitator: fakeFacilitator() });
    await expect(wall.respond(new Request(URL_), sell)).rejects.toThrow(/price or routes/);
  });
});
