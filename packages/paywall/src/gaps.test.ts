/** What the survey of the reference implementations found them to get wrong, one test for each finding that is a paywall's. */
import express, { type RequestHandler } from 'express';
import { AgentPayError } from '@agentpay/primitives';
import { mpp, x402v1, x402v2, type Facilitator } from '@agentpay/protocol';
import { paywall, type PaywallOptions } from './index.js';
import {
  DIALECTS,
  HASH,
  NETWORK,
  PAY_TO,
  fakeFacilitator,
  listen,
  pay,
  receiptOf,
  send,
  type Seller,
} from './seller.test.support.js';

let seller: Seller;
afterEach(() => seller?.close());

const weather: RequestHandler = (_req, res) => void res.json({ sky: 'blue' });

/** An Express application with a table of prices in front. */
async function open(
  handler: RequestHandler = weather,
  { mount = '', ...options }: Partial<PaywallOptions> & { mount?: string } = {},
) {
  const facilitator = fakeFacilitator();
  const served = { count: 0 };
  const routes = { 'GET /weather': '$0.01', 'GET /a': '$0.01', 'GET /b': '$0.01', 'POST /order': '$0.01' };
  const app = express();
  const wall = paywall({ payTo: PAY_TO, facilitator, routes, logger: false, ...options });
  if (mount) app.use(mount, wall as RequestHandler);
  else app.use(wall as RequestHandler);
  app.use((req, res, next) => {
    served.count++;
    return handler(req, res, next);
  });
  app.use(
    ((_error, _req, res, _next) => void res.status(500).json({ code: 'own' })) as express.ErrorRequestHandler,
  );
  seller = await listen(app);
  return { facilitator, served };
}

async function buy(dialect: (typeof DIALECTS)[number], target = '/weather') {
  return send(seller, target, { headers: pay(await send(seller, target), dialect) });
}

describe('x402 gaps', () => {
  it('versions served: a v1 client finds its offer in the body, a v2 client in the header, and both can pay', async () => {
    await open();
    const offer = await send(seller, '/weather');
    expect(x402v1.parsePaymentRequired(offer.json()).accepts[0]?.maxAmountRequired).toBe('10000');
    expect(x402v2.decodePaymentRequired(offer.headers['payment-required'] as string).accepts[0]?.amount).toBe(
      '10000',
    );
    for (const dialect of DIALECTS) expect(receiptOf(await buy(dialect), dialect)).toBe(HASH);
  });

  it('path source: behind a mount the key may have the prefix or not, and is charged either way', async () => {
    await open(weather, { mount: '/api', routes: { 'GET /api/weather': '$0.01', 'GET /rain': '$0.01' } });
    expect((await send(seller, '/api/weather')).status).toBe(402);
    expect((await send(seller, '/api/rain')).status).toBe(402);
  });

  it('methods: HEAD on a GET key is not served unpaid', async () => {
    const { served } = await open();
    const head = await send(seller, '/weather', { method: 'HEAD' });
    expect([head.status, served.count]).toEqual([402, 0]);
  });

  it('accepted matching: addresses in lower case are the same addresses', async () => {
    await open();
    const offer = await send(seller, '/weather');
    const proof = x402v2.decodePaymentPayload(pay(offer, 'x402v2')['payment-signature'] as string);
    const accepted = {
      ...proof.accepted,
      payTo: proof.accepted.payTo.toLowerCase(),
      asset: proof.accepted.asset.toLowerCase(),
    };
    const headers = { 'payment-signature': x402v2.encodePaymentPayload({ ...proof, accepted }) };
    expect((await send(seller, '/weather', { headers })).status).toBe(200);
  });

  it('resource URL: a hostile Host is not repeated where the seller names his own', async () => {
    await open(weather, { baseUrl: 'https://shop.example' });
    const offer = await send(seller, '/weather', { headers: { host: 'evil.example' } });
    expect(x402v2.decodePaymentRequired(offer.headers['payment-required'] as string).resource.url).toBe(
      'https://shop.example/weather',
    );
  });

  it('init and facilitator down: offers go on, a proof gets 503 with Retry-After and no challenge', async () => {
    const down = () =>
      Promise.reject(new AgentPayError('facilitator_unavailable', 'down', { retryAfter: 2 }));
    const { served } = await open(weather, {
      facilitator: fakeFacilitator({ verify: down, settle: down, supported: down }),
    });
    const reply = await buy('x402v2');
    expect([reply.status, reply.headers['retry-after'], reply.headers['payment-required']]).toEqual([
      503,
      '2',
      undefined,
    ]);
    expect(served.count).toBe(0);
  });

  it('same payment ten times at once: the handler runs once, the money moves once', async () => {
    const { served, facilitator } = await open();
    const headers = pay(await send(seller, '/weather'), 'x402v2');
    const replies = await Promise.all(
      Array.from({ length: 10 }, () => send(seller, '/weather', { headers })),
    );
    expect(replies.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
    expect(replies.every(({ status }) => status === 200 || status === 409)).toBe(true);
    expect([served.count, facilitator.moved.length]).toEqual([1, 1]);
  });

  it('malformed header: 400, and nothing is logged', async () => {
    const faults: unknown[] = [];
    await open(weather, { onError: (fault) => faults.push(fault) });
    for (const name of ['payment-signature', 'x-payment']) {
      const reply = await send(seller, '/weather', { headers: { [name]: '%%%' } });
      expect([reply.status, reply.json().code]).toEqual([400, 'payment_malformed']);
    }
    expect(faults).toEqual([]);
  });

  it('settle answer lost: the buyer gets the response, charged once', async () => {
    const honest = fakeFacilitator();
    let calls = 0;
    const settle: Facilitator['settle'] = async (asked) => {
      const response = await honest.settle(asked);
      if (++calls === 1) throw new AgentPayError('settlement_unknown', 'lost');
      return response;
    };
    await open(weather, { facilitator: fakeFacilitator({ settle }) });
    expect(receiptOf(await buy('x402v2'), 'x402v2')).toBe(HASH);
    expect(honest.moved).toHaveLength(1);
  });

  it('settle failure: the refusal is a 402 that a client can read, with the reason in header and body', async () => {
    const refusal = {
      success: false,
      errorReason: 'insufficient_funds',
      transaction: '',
      network: NETWORK.id,
    };
    await open(weather, { facilitator: fakeFacilitator({ settle: async () => refusal }) });
    const reply = await buy('x402v2');
    expect([reply.status, reply.json().code]).toEqual([402, 'insufficient_funds']);
    expect(x402v2.decodeSettleResponse(reply.headers['payment-response'] as string).errorReason).toBe(
      'insufficient_funds',
    );
  });

  it('amounts below the smallest unit: refused at start, not rounded to a free offer', () => {
    for (const price of ['$0.0000001', '$0.0000019']) {
      expect(() =>
        paywall({ logger: false, payTo: PAY_TO, facilitator: 'http://127.0.0.1:1', price }),
      ).toThrow(/fraction digits/);
    }
  });

  it('headers: a challenge stays below 8 kB with the longest URL, description and four ways to pay', async () => {
    const payTo = `0x${'11'.repeat(20)}`;
    const accepts = [{}, { network: 'base' }, { payTo }, { network: 'base', payTo }];
    await open(weather, {
      routes: { '/weather': { price: '$0.01', description: 'd'.repeat(200), accepts } },
    });
    const { headers } = await send(seller, `/weather?${'q'.repeat(1900)}`);
    expect(JSON.stringify(headers).length).toBeLessThan(8192);
  });
});

describe('MPP gaps', () => {
  it.each<[string, RequestHandler]>([
    ['res.json', weather],
    ['res.send', (_req, res) => void res.send('blue')],
    ['res.write and end', (_req, res) => [res.write('bl'), res.end('ue')]],
  ])('receipt and "private" on a response by %s', async (_, handler) => {
    await open(handler);
    const reply = await buy('mpp');
    expect([reply.status, reply.headers['cache-control'], receiptOf(reply, 'mpp')]).toEqual([
      200,
      'private',
      HASH,
    ]);
  });

  it.each<[string, RequestHandler]>([
    ['answers 500', (_req, res) => void res.status(500).json({ code: 'own' })],
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
  ])('a handler that %s: nothing settled, no receipt, and the credential still buys', async (_, handler) => {
    let broken = true;
    const { facilitator } = await open((...args) => (broken ? handler(...args) : weather(...args)));
    const headers = pay(await send(seller, '/weather'), 'mpp');
    const reply = await send(seller, '/weather', { headers });
    expect([reply.status, reply.headers['payment-receipt'], facilitator.calls.settle]).toEqual([
      500,
      undefined,
      0,
    ]);
    broken = false;
    expect((await send(seller, '/weather', { headers })).status).toBe(200);
  });

  it('the same credential again: the same response, no 402, no second charge', async () => {
    const { served, facilitator } = await open();
    const headers = pay(await send(seller, '/weather'), 'mpp');
    const [first, again] = [
      await send(seller, '/weather', { headers }),
      await send(seller, '/weather', { headers }),
    ];
    expect([again.status, again.text]).toEqual([200, first.text]);
    expect([served.count, facilitator.moved.length]).toEqual([1, 1]);
  });

  it.each([
    ['another route at the same price', '/a', '/b'],
    ['another query', '/a?x=1', '/a?x=expensive'],
  ])('a credential does not buy %s', async (_, bought, taken) => {
    const { served } = await open();
    const headers = pay(await send(seller, bought), 'mpp');
    const reply = await send(seller, taken, { headers });
    expect([reply.status, reply.json().code, served.count]).toEqual([402, 'invalid_challenge', 0]);
  });

  it('a credential for body A does not buy body B', async () => {
    const { served } = await open();
    const [a, b] = ['{"n":1}', '{"n":2}'].map((body) => ({
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    }));
    const headers = { ...a?.headers, ...pay(await send(seller, '/order', a), 'mpp') };
    expect((await send(seller, '/order', { ...b, headers })).json().code).toBe('body_mismatch');
    expect(served.count).toBe(0);
    expect((await send(seller, '/order', { ...a, headers })).status).toBe(200);
  });

  it('1000 challenges issued together have 1000 ids', async () => {
    const wall = paywall({ logger: false, payTo: PAY_TO, facilitator: fakeFacilitator(), price: '$0.01' });
    const ask = () => wall.respond(new Request('http://shop.example/weather'), () => new Response('free'));
    const responses = await Promise.all(Array.from({ length: 1000 }, ask));
    const ids = responses.map(
      ({ headers }) => mpp.readChallenges(headers.get('www-authenticate') as string)[0]?.id,
    );
    expect(new Set(ids).size).toBe(1000);
  });

  it('Vary and CORS name the headers of payment, on offers and on answers', async () => {
    await open();
    const headers = { origin: 'https://page.example' };
    const offer = await send(seller, '/weather', { headers });
    const paid = await send(seller, '/weather', { headers: { ...headers, ...pay(offer, 'mpp') } });
    for (const reply of [offer, paid]) {
      expect(reply.headers['vary']).toMatch(/PAYMENT-SIGNATURE.*Authorization/);
      expect(reply.headers['access-control-expose-headers']).toMatch(/WWW-Authenticate.*Payment-Receipt/);
    }
  });

  it('the receipt names challenge and chain', async () => {
    await open();
    const offer = await send(seller, '/weather');
    const paid = await send(seller, '/weather', { headers: pay(offer, 'mpp') });
    const receipt = JSON.parse(
      Buffer.from(paid.headers['payment-receipt'] as string, 'base64url').toString(),
    );
    expect(receipt).toMatchObject({
      challengeId: offer.json().challengeId,
      chainId: NETWORK.chainId,
      reference: HASH,
      status: 'success',
    });
  });
});
