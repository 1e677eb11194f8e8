import type { ServerResponse } from 'node:http';
import express from 'express';
import { systemClock, type Clock } from '@agentpay/primitives';
import {
  paymentTokenKey,
  signPaymentToken,
  type PaymentTokenClaims,
  type PaymentTokenKey,
} from '@agentpay/protocol';
import { paywall, type PaywallOptions } from '../../index.js';
import {
  DIALECTS,
  PAY_TO,
  fakeFacilitator,
  hasty,
  listen,
  pay,
  send,
  type Reply,
  type Seller,
} from '../../seller.test.support.js';

const SERVICE = 'svc_01kb3x9v7f5m2q8r4t6w0y1z3d';
const KEY = paymentTokenKey('k'.repeat(32));

const open: Seller[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

type Fault = (res: ServerResponse) => void;
const refuse = (status: number, reason: string): Fault => {
  return (res) => res.writeHead(status).end(JSON.stringify({ error: { code: 'AP-1001', reason } }));
};
const cutOff: Fault = (res) => res.destroy();

/** The AgentPay API as a provider sees it: single-use verify, then the events of a call. Faults are used up one by one. */
async function fakeApi() {
  const events: string[] = [];
  const redeemed = new Set<string>();
  const faults: Record<string, Fault[]> = {};
  const keys: PaymentTokenKey[] = [KEY];
  const app = express();
  app.get('/.well-known/jwks.json', (_req, res) => {
    events.push('keys');
    res.json({ keys: keys.map(({ publicJwk }) => publicJwk) });
  });
  app.use('/v1', express.json(), (req, res, next) => {
    if (req.headers.authorization !== 'Bearer pk_test_provider') return void refuse(401, 'unauthorized')(res);
    const event = req.path.split('/').at(-1) as string;
    events.push(event);
    const fault = faults[event]?.shift();
    if (fault) return fault(res);
    next();
  });
  app.post('/v1/x402/verify', (req, res) => {
    const token = String((req.body as { token: string }).token);
    if (redeemed.has(token)) return void refuse(409, 'token_already_redeemed')(res);
    redeemed.add(token);
    res.json({ valid: true });
  });
  app.post(
    '/v1/x402/tokens/:id/:event',
    (req, res) => void res.json({ token_id: req.params['id'], status: 'x' }),
  );
  const server = await listen(app);
  open.push(server);
  return { url: server.url, events, faults, keys, calls: () => events.filter((event) => event !== 'keys') };
}

type Api = Awaited<ReturnType<typeof fakeApi>>;

let serial = 0;
function tokenFor(changes: Partial<PaymentTokenClaims> = {}, key = KEY): string {
  const now = Math.floor(Date.now() / 1000);
  const jti = `tokid_${++serial}`;
  const claims = {
    iss: 'agentpay',
    aud: SERVICE,
    sub: 'wallet_1',
    jti,
    amount: '10000',
    currency: 'USD',
    iat: now,
    exp: now + 300,
  };
  return signPaymentToken({ ...claims, ...changes }, key);
}

async function seller(
  api: Pick<Api, 'url'>,
  handler?: express.RequestHandler,
  options: Partial<PaywallOptions> = {},
) {
  const served = { count: 0 };
  const facilitator = fakeFacilitator();
  const wall = paywall({
    payTo: PAY_TO,
    facilitator,
    clock: hasty,
    token: { url: api.url, key: 'pk_test_provider', service: SERVICE },
    logger: false,
    ...options,
  });
  const app = express();
  app.all(
    '/paid',
    wall.charge('$0.01'),
    handler ?? ((_req, res) => void res.json({ served: ++served.count })),
  );
  app.use(
    ((_error, _req, res, _next) =>
      void res.status(500).json({ code: 'broken' })) as express.ErrorRequestHandler,
  );
  const server = await listen(app);
  open.push(server);
  const buy = (text: string): Promise<Reply> =>
    send(server, '/paid', { headers: { 'x-payment-token': text } });
  return { server, served, facilitator, buy };
}

const LIFE = ['verify', 'call-started', 'call-accepted', 'call-completed'];

describe('the token offer', () => {
  it('names header, service, price and where to authorize', async () => {
    const { server } = await seller({ url: 'http://127.0.0.1:9' });
    expect((await send(server, '/paid')).json().payment_token).toEqual({
      header: 'X-Payment-Token',
      service_id: SERVICE,
      price: '0.01',
      currency: 'USD',
      authorize_url: `http://127.0.0.1:9/v1/services/${SERVICE}/authorize`,
    });
  });

  it('is not made where no service is configured', async () => {
    const { server } = await seller({ url: '' }, undefined, {
      token: { url: 'http://127.0.0.1:9', key: 'k' },
    });
    expect((await send(server, '/paid')).json()).not.toHaveProperty('payment_token');
  });
});

describe('a payment token', () => {
  it('buys one answer; the paywall reports the call from verify to completed', async () => {
    const api = await fakeApi();
    const { buy, facilitator } = await seller(api);
    const reply = await buy(tokenFor({ jti: 'tokid_this' }));
    expect([reply.status, reply.json()]).toEqual([200, { served: 1 }]);
    const receipt = { 'x-payment-token-id': 'tokid_this', 'x-payment-token-status': 'settled' };
    expect(reply.headers).toMatchObject({ ...receipt, 'cache-control': 'private' });
    expect(api.calls()).toEqual(LIFE);
    expect(facilitator.calls).toEqual({ verify: 0, settle: 0 });
  });

  it.each([
    ['read by the paywall', false],
    ['parsed before', true],
  ])('may come in a JSON body, %s', async (_, parsed) => {
    const api = await fakeApi();
    const token = { url: api.url, key: 'pk_test_provider', service: SERVICE };
    const wall = paywall({ logger: false, payTo: PAY_TO, facilitator: fakeFacilitator(), token });
    const app = express();
    if (parsed) app.use(express.json());
    app.post(
      '/',
      wall.charge('$0.01'),
      express.json(),
      (req, res) => void res.json({ q: (req.body as { q: number }).q }),
    );
    const server = await listen(app);
    open.push(server);
    const headers = { 'content-type': 'application/json' };
    const reply = await send(server, '/', {
      method: 'POST',
      headers,
      body: JSON.stringify({ q: 7, payment_token: tokenFor() }),
    });
    expect([reply.status, reply.json()]).toEqual([200, { q: 7 }]);
    const two = {
      headers: { ...headers, 'x-payment-token': tokenFor() },
      body: JSON.stringify({ payment_token: tokenFor() }),
    };
    const both = await send(server, '/', { method: 'POST', ...two });
    expect([both.status, both.json().code]).toEqual([400, 'payment_ambiguous']);
  });

  it('is redeemed and served once under 50 concurrent copies', async () => {
    const api = await fakeApi();
    const { buy, served } = await seller(api);
    const text = tokenFor();
    const replies = await Promise.all(Array.from({ length: 50 }, () => buy(text)));
    const outcomes = replies.map((reply) => (reply.status === 200 ? reply.text : reply.json().code));
    for (const outcome of outcomes) expect(['{"served":1}', 'payment_in_progress']).toContain(outcome);
    expect(replies.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
    expect([served.count, api.calls()]).toEqual([1, LIFE]);
  });

  it('sent again gets the stored response', async () => {
    const api = await fakeApi();
    const { buy, served } = await seller(api);
    const text = tokenFor();
    const first = await buy(text);
    const again = await buy(text);
    expect([again.status, again.text, again.headers['x-payment-replayed']]).toEqual([
      200,
      first.text,
      'true',
    ]);
    expect([served.count, api.calls()]).toEqual([1, LIFE]);
  });

  it.each<[string, () => string, string]>([
    ['of another service', () => tokenFor({ aud: 'svc_other' }), 'token_invalid'],
    ['under the price', () => tokenFor({ amount: '9999' }), 'token_amount_mismatch'],
    ['in another currency', () => tokenFor({ currency: 'EUR' }), 'token_amount_mismatch'],
    ['that has expired', () => tokenFor({ exp: 1 }), 'token_expired'],
    ['of another issuer', () => tokenFor({}, paymentTokenKey('z'.repeat(32))), 'token_invalid'],
    [
      'with another key under our id',
      () => tokenFor({}, { ...paymentTokenKey('z'.repeat(32)), kid: KEY.kid }),
      'token_invalid',
    ],
  ])('%s is refused with a fresh offer before the API is asked', async (_, make, code) => {
    const api = await fakeApi();
    const { buy, served } = await seller(api);
    const reply = await buy(make());
    expect([reply.status, reply.json().code, served.count]).toEqual([402, code, 0]);
    expect(reply.json().payment_token.service_id).toBe(SERVICE);
    expect(api.calls()).toEqual([]);
  });

  it('that is no token is a 400', async () => {
    const { buy } = await seller(await fakeApi());
    for (const text of [
      'x',
      'x402_tok_a.b.c',
      `x402_tok_${'A'.repeat(20)}.${'A'.repeat(20)}.${'A'.repeat(86)}`,
    ]) {
      const reply = await buy(text);
      expect([reply.status, reply.json().code]).toEqual([400, 'payment_malformed']);
    }
  });

  it.each([
    [410, 'token_expired', 402, 'token_expired'],
    [409, 'token_already_redeemed', 409, 'payment_already_used'],
    [404, 'token_not_found', 402, 'token_invalid'],
    [401, 'token_invalid', 402, 'token_invalid'],
    [401, 'unauthorized', 503, 'facilitator_unavailable'],
    [429, 'rate_limited', 503, 'facilitator_unavailable'],
  ])('that the API answers with %i %s is a %i %s', async (status, reason, expected, code) => {
    const api = await fakeApi();
    api.faults['verify'] = [refuse(status, reason)];
    const { buy, served } = await seller(api);
    const reply = await buy(tokenFor());
    expect([reply.status, reply.json().code, served.count]).toEqual([expected, code, 0]);
  });

  it('whose handler fails is not charged: call-failed is reported before the response goes out', async () => {
    const api = await fakeApi();
    const { buy } = await seller(api, () => {
      throw new Error('broken');
    });
    const reply = await buy(tokenFor());
    expect([reply.status, reply.json()]).toEqual([500, { code: 'broken' }]);
    expect(reply.headers['x-payment-token-status']).toBeUndefined();
    expect(api.calls()).toEqual([...LIFE.slice(0, 3), 'call-failed']);
  });

  it('survives lost responses of the API after it was redeemed', async () => {
    const api = await fakeApi();
    for (const event of LIFE.slice(1)) api.faults[event] = [cutOff];
    const { buy, served } = await seller(api);
    const reply = await buy(tokenFor());
    expect([reply.status, served.count]).toEqual([200, 1]);
  });

  it('whose redeeming got no response is given back and answered with 503', async () => {
    const api = await fakeApi();
    api.faults['verify'] = [cutOff];
    const { buy, served } = await seller(api);
    const reply = await buy(tokenFor());
    expect([reply.status, reply.json().code, served.count]).toEqual([503, 'facilitator_unavailable', 0]);
    expect(api.calls()).toEqual(['verify', 'call-failed']);
  });

  it('whose settling stays unknown keeps the response for later', async () => {
    const api = await fakeApi();
    api.faults['call-completed'] = [cutOff, cutOff, cutOff, cutOff];
    const { buy, served } = await seller(api);
    const text = tokenFor();
    const reply = await buy(text);
    expect([reply.status, reply.json().code]).toEqual([503, 'settlement_unknown']);
    const later = await buy(text);
    expect([later.status, later.json(), served.count]).toEqual([200, { served: 1 }, 1]);
  });

  it('whose time ran out during the call buys nothing', async () => {
    const api = await fakeApi();
    api.faults['call-completed'] = [refuse(409, 'token_wrong_state')];
    const { buy } = await seller(api);
    const reply = await buy(tokenFor());
    expect([reply.status, reply.json().code]).toEqual([402, 'token_not_settled']);
    expect(reply.text).not.toContain('served');
  });

  it('meets an API that is away with 503 and stays good', async () => {
    const api = await fakeApi();
    const first = await seller(api);
    expect((await first.buy(tokenFor())).status).toBe(200);
    const { served, buy } = await seller({ url: 'http://127.0.0.1:9' });
    const reply = await buy(tokenFor());
    expect([reply.status, reply.json().code, reply.headers['retry-after'], served.count]).toEqual([
      503,
      'facilitator_unavailable',
      '2',
      0,
    ]);
  });
});

describe("the issuer's keys", () => {
  it('are fetched once for many tokens and once more for a new key, and not again for every unknown one', async () => {
    const api = await fakeApi();
    let ahead = 0;
    const clock: Clock = { now: () => systemClock.now() + ahead, timer: systemClock.timer };
    const { buy } = await seller(api, undefined, { clock });
    const fetches = () => api.events.filter((event) => event === 'keys').length;
    await Promise.all([buy(tokenFor()), buy(tokenFor()), buy(tokenFor())]);
    expect(fetches()).toBe(1);
    const next = paymentTokenKey('n'.repeat(32));
    api.keys.push(next);
    ahead += 6_000;
    expect((await buy(tokenFor({}, next))).status).toBe(200);
    expect(fetches()).toBe(2);
    for (let i = 0; i < 5; i++) await buy(tokenFor({}, paymentTokenKey(`${i}`.repeat(32))));
    expect(fetches()).toBe(2);
  });
});

it.each(DIALECTS)(
  'a payment in %s still works beside tokens, and both at once are a 400',
  async (dialect) => {
    const { server } = await seller(await fakeApi());
    const headers = pay(await send(server, '/paid'), dialect);
    expect(
      (await send(server, '/paid', { headers: { ...headers, 'x-payment-token': tokenFor() } })).status,
    ).toBe(400);
    expect((await send(server, '/paid', { headers })).status).toBe(200);
  },
);
