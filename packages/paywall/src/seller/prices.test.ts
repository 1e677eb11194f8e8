import { base, baseSepolia, parsePrice } from '@agentpay/primitives';
import { mpp, x402v2 } from '@agentpay/protocol';
import { byVolume, paywall, type RequestView, type PaywallOptions, type PricedRoute } from '../index.js';
import {
  DIALECTS,
  PAY_TO,
  fakeFacilitator,
  listen,
  pay,
  send,
  shiftedClock,
  type Reply,
  type Seller,
} from '../seller.test.support.js';

const OTHER = '0x90F79bf6EB2c4f870365E785982E1f101E93b906';

let seller: Seller;
afterEach(() => seller?.close());

async function open(price: PricedRoute, options: Partial<PaywallOptions> = {}) {
  const facilitator = fakeFacilitator();
  const served = { count: 0 };
  const charge = paywall({ payTo: PAY_TO, facilitator, logger: false, ...options }).charge(price);
  seller = await listen((req, res) => charge(req, res, () => res.end(`answer ${++served.count}`)));
  return { facilitator, served };
}

const accepted = (offer: Reply) =>
  x402v2.decodePaymentRequired(offer.headers['payment-required'] as string).accepts;
const amounts = (offer: Reply) => accepted(offer).map(({ amount }) => Number(amount));

describe.each(DIALECTS)('a price that is a function, paid in %s', (dialect) => {
  it('charges what was offered though the price has changed since, and then the new price', async () => {
    let cents = 1;
    const { facilitator } = await open({ price: async () => `$0.0${cents}` });
    const offer = await send(seller, '/');
    expect(amounts(offer)).toEqual([10_000]);
    cents = 2;
    expect((await send(seller, '/', { headers: pay(offer, dialect) })).text).toBe('answer 1');
    expect(amounts(await send(seller, '/'))).toEqual([20_000]);
    expect((await send(seller, '/', { headers: pay(await send(seller, '/'), dialect) })).text).toBe(
      'answer 2',
    );
    expect(facilitator.moved).toHaveLength(2);
  });

  it('does not sell one request at the price of another', async () => {
    const { served } = await open({ price: ({ query }) => (query.has('big') ? '$0.05' : '$0.01') });
    const cheap = pay(await send(seller, '/'), dialect);
    const reply = await send(seller, '/?big', { headers: cheap });
    expect([reply.status, amounts(reply), served.count]).toEqual([402, [50_000], 0]);
  });

  it('does not keep an old price alive by proofs that fail', async () => {
    let price = '$0.01';
    await open({ price: () => price });
    const offer = await send(seller, '/');
    price = '$0.02';
    const refused = await send(seller, '/', { headers: pay(offer, dialect, { to: OTHER }) });
    expect([refused.status, amounts(refused)]).toEqual([402, [20_000]]);
  });
});

describe('a price that is a function', () => {
  it('keeps its offers across processes with one secret, and refuses pins of strangers', async () => {
    let price = '$0.01';
    const mppSecret = 'p'.repeat(32);
    await open({ price: () => price }, { mppSecret });
    const offer = await send(seller, '/');
    const stranger = offer;
    await seller.close();
    price = '$0.02';
    await open({ price: () => price }, { mppSecret });
    expect((await send(seller, '/', { headers: pay(offer, 'x402v2') })).status).toBe(200);
    expect((await send(seller, '/', { headers: pay(offer, 'mpp') })).status).toBe(200);
    await seller.close();
    await open({ price: () => price }, { mppSecret: 'q'.repeat(32) });
    for (const dialect of DIALECTS)
      expect((await send(seller, '/', { headers: pay(stranger, dialect) })).status).toBe(402);
  });

  it('lets its offers expire', async () => {
    let price = '$0.01';
    const clock = shiftedClock();
    await open({ price: () => price }, { clock });
    const offer = await send(seller, '/');
    price = '$0.02';
    clock.offset += 301_000;
    const validBefore = String(Math.floor(clock.now() / 1000) + 300);
    for (const dialect of DIALECTS) {
      const late = await send(seller, '/', { headers: pay(offer, dialect, { validBefore }) });
      expect([late.status, amounts(late)]).toEqual([402, [20_000]]);
    }
  });

  it('sees method, path, query, headers and the JSON body', async () => {
    const seen: unknown[] = [];
    const price = async ({ method, path, query, headers, json }: RequestView) => {
      seen.push([method, path, query.get('q'), headers['x-tier'], await json()]);
      return '$0.01';
    };
    await open({ price });
    const request = {
      method: 'POST',
      headers: { 'x-tier': 'a', 'content-type': 'application/json' },
      body: '{"units":3}',
    };
    const offer = await send(seller, '/x?q=1', request);
    expect(seen).toEqual([['POST', '/x', '1', 'a', { units: 3 }]]);
    const paid = await send(seller, '/x?q=1', {
      ...request,
      headers: { ...request.headers, ...pay(offer, 'x402v2') },
    });
    expect([paid.status, seen.length]).toEqual([200, 1]);
  });

  it.each([
    ['throws', () => Promise.reject(new Error('database'))],
    ['gives nonsense', () => 'ten cents'],
    ['gives less than a micro-dollar', () => '0.0000001'],
    ['gives zero', () => '$0'],
  ])('that %s serves nobody: 500, and the operator is told', async (_, price) => {
    const faults: string[] = [];
    const { served } = await open({ price }, { onError: ({ what }) => faults.push(what) });
    expect((await send(seller, '/')).status).toBe(500);
    expect([served.count, faults]).toEqual([0, ['a price function failed']]);
  });

  it('may give "free"', async () => {
    await open({ price: ({ query }) => (query.has('paid') ? '$0.01' : 'free') });
    const free = await send(seller, '/');
    expect([free.text, free.headers['cache-control']]).toEqual(['answer 1', 'private']);
    expect((await send(seller, '/?paid')).status).toBe(402);
  });
});

describe('several ways to pay', () => {
  const accepts = [{}, { network: 'base' }, { payTo: OTHER }];

  it.each(DIALECTS)(
    'are all offered in %s, and each is taken at its own recipient and network',
    async (dialect) => {
      const { facilitator } = await open({ price: '$0.01', accepts });
      const offer = await send(seller, '/');
      expect(accepted(offer).map(({ network, payTo }) => [network, payTo])).toEqual([
        [baseSepolia.id, PAY_TO],
        [base.id, PAY_TO],
        [baseSepolia.id, OTHER],
      ]);
      for (const choice of accepts.keys()) {
        expect((await send(seller, '/', { headers: pay(offer, dialect, {}, choice) })).status).toBe(200);
      }
      expect(facilitator.moved).toHaveLength(3);
    },
  );

  it('go each to its own facilitator', async () => {
    const onBase = fakeFacilitator();
    const { facilitator } = await open(
      { price: '$0.01' },
      { accepts: [{}, { network: 'base', facilitator: onBase }] },
    );
    const offer = await send(seller, '/');
    expect((await send(seller, '/', { headers: pay(offer, 'x402v2', {}, 1) })).status).toBe(200);
    expect([facilitator.moved.length, onBase.moved.length]).toEqual([0, 1]);
  });

  it('stand in one MPP challenge each, with ids of their own', async () => {
    await open({ price: '$0.01', accepts });
    const challenges = mpp.readChallenges((await send(seller, '/')).headers['www-authenticate'] as string);
    expect(new Set(challenges.map(({ id }) => id)).size).toBe(3);
  });

  it.each([
    ['a option twice', [{}, { network: 'base-sepolia' }], /twice/],
    ['an unknown network', [{ network: 'moon' }], /network/],
    ['a misspelt member', [{ payto: PAY_TO }], /unknown option "payto"; did you mean "payTo"/],
    ['a facilitator that is none', [{ facilitator: {} }], /facilitator/],
    ['none', [], /accepts/],
  ])('cannot name %s', (_, wrong, message) => {
    expect(() =>
      paywall({ logger: false, payTo: PAY_TO, facilitator: fakeFacilitator() }).charge({
        price: '$1',
        accepts: wrong as [],
      }),
    ).toThrow(message);
  });
});

describe('authorize', () => {
  const tiers = (asked: RequestView) =>
    ({ vip: 'grant', banned: 'refuse' }[String(asked.headers['x-tier'])] as 'grant' | 'refuse') ?? 'pay';

  it('grants, refuses with 403, or lets pay', async () => {
    const { served, facilitator } = await open({ price: '$0.01' }, { authorize: tiers });
    const vip = await send(seller, '/', { headers: { 'x-tier': 'vip' } });
    expect([vip.text, vip.headers['cache-control']]).toEqual(['answer 1', 'private']);
    expect(vip.headers['vary']).toContain('X-PAYMENT');
    const banned = await send(seller, '/', { headers: { 'x-tier': 'banned' } });
    expect([banned.status, banned.json().code, banned.headers['www-authenticate']]).toEqual([
      403,
      'forbidden',
      undefined,
    ]);
    const offer = await send(seller, '/');
    expect(offer.status).toBe(402);
    expect((await send(seller, '/', { headers: pay(offer, 'mpp') })).text).toBe('answer 2');
    expect([served.count, facilitator.moved.length]).toEqual([2, 1]);
  });

  it('that fails or gives something else lets nobody pass', async () => {
    for (const authorize of [() => Promise.reject(new Error('away')), () => 'yes' as 'pay']) {
      const { served } = await open({ price: '$0.01', authorize });
      expect((await send(seller, '/')).status).toBe(500);
      expect(served.count).toBe(0);
      await seller.close();
    }
  });
});

describe('prices by volume', () => {
  it('fall with the volume', async () => {
    const price = byVolume({ 0: '$0.01', 1000: '$0.008', 100: '$0.009' }, ({ query }) =>
      Number(query.get('n')),
    );
    const at = (n: number | string) => price({ query: new URLSearchParams(`n=${n}`) } as RequestView);
    expect(await Promise.all([0, 99, 100, 999, 1000].map(at))).toEqual([
      '$0.01',
      '$0.01',
      '$0.009',
      '$0.009',
      '$0.008',
    ]);
    await expect(at('x')).rejects.toThrow(/no volume/);
    expect(parsePrice('$0.008')).toBe(8000n);
  });

  it('are checked at start', () => {
    expect(() => byVolume({ 0: '$0.01', 10: '1e-3' }, () => 1)).toThrow(/from 10.*plain decimal/);
    expect(() => byVolume({ 5: '$0.01' }, () => 1)).toThrow(/from 0/);
    expect(() => byVolume({ 0: '$0.01', 1.5: '$1' }, () => 1)).toThrow(/1.5/);
  });
});
