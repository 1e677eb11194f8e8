import type { ServerResponse } from 'node:http';
import { memoryStore, systemClock } from '@agentpay/primitives';
import type { Facilitator } from '@agentpay/protocol';
import { paywall, type PaywallOptions, type PricedRoute } from '../index.js';
import {
  HASH,
  NETWORK,
  PAY_TO,
  fakeFacilitator,
  hasty,
  listen,
  pay,
  receiptOf,
  send,
  shiftedClock,
  type Seller,
} from '../seller.test.support.js';

const sellers: Seller[] = [];
afterEach(async () => {
  await Promise.all(sellers.splice(0).map((seller) => seller.close()));
});

type Handler = (res: ServerResponse) => unknown;

async function open(route: Partial<PricedRoute>, handler: Handler, options: Partial<PaywallOptions> = {}) {
  const wall = paywall({
    payTo: PAY_TO,
    facilitator: fakeFacilitator(),
    clock: hasty,
    logger: false,
    ...options,
  });
  const charge = wall.charge({ price: '$0.01', ...route });
  const served = { count: 0 };
  const seller = await listen((req, res) => charge(req, res, () => (served.count++, handler(res))));
  sellers.push(seller);
  const buy = async (dialect: 'x402v2' | 'mpp' = 'x402v2') =>
    send(seller, '/', { headers: pay(await send(seller, '/'), dialect) });
  return { wall, seller, served, buy };
}

/** A facilitator whose settlements wait until they are let go. */
function slow() {
  const honest = fakeFacilitator();
  const waiting: (() => void)[] = [];
  const facilitator = fakeFacilitator({
    verify: honest.verify,
    async settle(asked) {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return honest.settle(asked);
    },
  });
  return { facilitator, moved: honest.moved, waiting, letGo: () => waiting.splice(0).forEach((go) => go()) };
}

describe("settle: 'optimistic'", () => {
  const optimistic = { settle: 'optimistic' } as const;

  it('answers before the money is taken, without a receipt, and takes it in the background', async () => {
    const { facilitator, moved, waiting, letGo } = slow();
    const { wall, buy } = await open(optimistic, (res) => res.end('quick'), { facilitator });
    const reply = await buy();
    expect([reply.text, reply.headers['cache-control'], moved.length]).toEqual(['quick', 'private', 0]);
    expect(reply.headers['payment-response']).toBeUndefined();
    while (waiting.length === 0) await new Promise(setImmediate);
    letGo();
    await wall.idle();
    expect(moved).toHaveLength(1);
  });

  it('lets a payer have only so many unpaid answers: the next is settled before it goes out', async () => {
    const { facilitator, moved, waiting, letGo } = slow();
    const { wall, buy } = await open(optimistic, (res) => res.end('quick'), { facilitator, maxUnsettled: 2 });
    for (let i = 0; i < 2; i++) expect((await buy()).headers['payment-response']).toBeUndefined();
    const third = buy();
    while (waiting.length < 3) await new Promise(setImmediate);
    expect(moved).toHaveLength(0);
    letGo();
    expect(receiptOf(await third, 'x402v2')).toBe(HASH);
    await wall.idle();
    expect(moved).toHaveLength(3);
    const next = await buy();
    expect(next.headers['payment-response']).toBeUndefined();
    while (waiting.length < 1) await new Promise(setImmediate);
    letGo();
    await wall.idle();
  });

  it('shares that bound between processes', async () => {
    const store = memoryStore(systemClock);
    const { facilitator, waiting, letGo } = slow();
    const [one, two] = [
      await open(optimistic, (res) => res.end('1'), { facilitator, store, maxUnsettled: 1 }),
      await open(optimistic, (res) => res.end('2'), { facilitator, store, maxUnsettled: 1 }),
    ];
    expect((await one.buy()).text).toBe('1');
    const second = two.buy();
    while (waiting.length < 2) await new Promise(setImmediate);
    letGo();
    expect(receiptOf(await second, 'x402v2')).toBe(HASH);
    await one.wall.idle();
  });

  it('counts a payment that fails against the payer until its proof expires, and tells the operator', async () => {
    const clock = shiftedClock();
    const honest = fakeFacilitator();
    const answers: Facilitator['settle'][] = [
      async () => ({
        success: false,
        errorReason: 'insufficient_funds',
        transaction: '',
        network: NETWORK.id,
      }),
    ];
    const facilitator = fakeFacilitator({
      ...honest,
      settle: (asked) => (answers.shift() ?? honest.settle)(asked),
    });
    const faults: string[] = [];
    const refused: string[] = [];
    const options = {
      facilitator,
      clock,
      maxUnsettled: 1,
      onError: ({ what }: { what: string }) => faults.push(what),
    };
    const onRefused: PaywallOptions['onRefused'] = ({ reason }) => refused.push(reason);
    const { wall, seller, buy } = await open(optimistic, (res) => res.end('x'), { ...options, onRefused });
    expect((await buy()).status).toBe(200);
    await wall.idle();
    expect([faults, refused]).toEqual([['a response went out that is not paid for'], ['insufficient_funds']]);
    expect((await buy()).headers['payment-response']).toBeDefined();
    clock.offset += 301_000;
    const validBefore = String(Math.floor(clock.now() / 1000) + 300);
    const later = await send(seller, '/', {
      headers: pay(await send(seller, '/'), 'x402v2', { validBefore }),
    });
    expect([later.status, later.headers['payment-response']]).toEqual([200, undefined]);
    await wall.idle();
  });

  it('charges nothing for a handler that fails', async () => {
    const facilitator = fakeFacilitator();
    const { wall, buy } = await open(optimistic, (res) => res.writeHead(500).end(), { facilitator });
    expect((await buy()).status).toBe(500);
    await wall.idle();
    expect(facilitator.calls.settle).toBe(0);
  });
});

describe('answers that are no success', () => {
  const redirect: Handler = (res) => res.writeHead(302, { location: '/elsewhere' }).end();

  it('a redirect is not charged (the reference charges it)', async () => {
    const facilitator = fakeFacilitator();
    const { buy } = await open({}, redirect, { facilitator });
    const reply = await buy();
    expect([reply.status, reply.headers['location'], facilitator.calls.settle]).toEqual([
      302,
      '/elsewhere',
      0,
    ]);
  });

  it('a redirect is charged where the seller says so; an MPP receipt still stands on 2xx only', async () => {
    const facilitator = fakeFacilitator();
    const { buy } = await open({ chargeRedirects: true }, redirect, { facilitator });
    const [v2, byMpp] = [await buy('x402v2'), await buy('mpp')];
    expect([v2.status, receiptOf(v2, 'x402v2'), byMpp.status, byMpp.headers['payment-receipt']]).toEqual([
      302,
      HASH,
      302,
      undefined,
    ]);
    expect(facilitator.moved).toHaveLength(2);
  });

  it('304 is never charged', async () => {
    const facilitator = fakeFacilitator();
    const { buy } = await open({ chargeRedirects: true }, (res) => res.writeHead(304).end(), { facilitator });
    expect([(await buy()).status, facilitator.calls.settle]).toEqual([304, 0]);
  });
});

describe('server-sent events', () => {
  const events = (res: ServerResponse) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.write('data: 1\n\n');
    res.end('data: 2\n\n');
  };

  it('end with the receipt as an event', async () => {
    const { buy } = await open({ settle: 'before' }, events);
    const reply = await buy();
    const [, data] = /^data: 1\n\ndata: 2\n\nevent: payment-receipt\ndata: (.*)\n\n$/.exec(
      reply.text,
    ) as unknown as [string, string];
    expect(JSON.parse(data)).toEqual({ 'PAYMENT-RESPONSE': reply.headers['payment-response'] });
  });

  it.each<[string, Handler]>([
    ['failed', (res) => res.writeHead(500, { 'content-type': 'text/event-stream' }).end('data: 1\n\n')],
    [
      'are compressed',
      (res) =>
        res
          .writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'x' })
          .end('data: 1\n\n'),
    ],
    ['are none', (res) => res.end('data: 1\n\n')],
  ])('that %s end as the handler ended them', async (_, handler) => {
    const { buy } = await open({ settle: 'before' }, handler);
    expect((await buy()).text).toBe('data: 1\n\n');
  });
});

it('what verifying takes is taken from the time of the handler: too little left is a refusal, and nothing is charged', async () => {
  const clock = shiftedClock();
  const facilitator = fakeFacilitator({
    async verify() {
      clock.offset += 290_000;
      return { isValid: true };
    },
  });
  const { buy, served } = await open({}, (res) => res.end('x'), { facilitator, clock });
  expect([(await buy()).status, served.count, facilitator.calls.settle]).toEqual([402, 0, 0]);
});

describe('hooks', () => {
  it('tell of a challenge, of a verified and of a settled payment', async () => {
    const told: unknown[] = [];
    const { seller, wall } = await open({}, (res) => res.end('x'), {
      onChallenge: ({ amount, target }) => told.push(['challenge', amount, target]),
      onVerified: ({ payer }) => told.push(['verified', payer]),
      onSettled: ({ receipt, requestId }) => told.push(['settled', Object.keys(receipt), requestId]),
    });
    const headers = { ...pay(await send(seller, '/?a=1'), 'x402v2'), 'x-request-id': 'r1' };
    await send(seller, '/?a=1', { headers });
    expect(told).toEqual([
      ['challenge', '0.01', '/?a=1'],
      ['verified', expect.stringMatching(/^eip155:84532:0x/)],
      ['settled', ['PAYMENT-RESPONSE'], 'r1'],
    ]);
    expect([...wall.earnings()]).toEqual([['*', { payments: 1, amount: 10_000n }]]);
  });

  it('tell why a proof was refused', async () => {
    const reasons: string[] = [];
    const { seller } = await open({}, (res) => res.end('x'), {
      onRefused: ({ reason }) => reasons.push(reason),
    });
    await send(seller, '/', { headers: pay(await send(seller, '/'), 'x402v2', { value: '1' }) });
    await send(seller, '/', { headers: { 'x-payment': '!' } });
    expect(reasons).toEqual(['invalid_exact_evm_payload_authorization_value_mismatch', 'payment_malformed']);
  });

  it('that throw or reject harm nobody and are reported', async () => {
    const faults: string[] = [];
    const { buy } = await open({}, (res) => res.end('sold'), {
      onChallenge: () => {
        throw new Error('hook');
      },
      onSettled: () => Promise.reject(new Error('hook')),
      onError: ({ what }) => faults.push(what),
    });
    expect((await buy()).text).toBe('sold');
    expect(faults).toEqual(['a hook failed', 'a hook failed']);
  });

  it('and a logger takes the faults', async () => {
    const lines: unknown[] = [];
    const logger = { error: (fields: object, message: string) => lines.push([message, Object.keys(fields)]) };
    const charge = paywall({ payTo: PAY_TO, facilitator: fakeFacilitator(), logger }).charge({
      price: () => 'nonsense',
    });
    const seller = await listen((req, res) => charge(req, res, () => res.end()));
    sellers.push(seller);
    expect((await send(seller, '/')).status).toBe(500);
    expect(lines).toEqual([['a price function failed', ['err', 'requestId']]]);
  });
});

it('earnings are counted by route of the table', async () => {
  const wall = paywall({
    logger: false,
    payTo: PAY_TO,
    facilitator: fakeFacilitator(),
    routes: { 'GET /a/:id': '$0.01', '/b': '$0.02' },
  });
  const seller = await listen((req, res) => wall(req, res, () => res.end()));
  sellers.push(seller);
  for (const target of ['/a/1', '/a/2', '/b'])
    await send(seller, target, { headers: pay(await send(seller, target), 'x402v2') });
  expect([...wall.earnings()]).toEqual([
    ['GET /a/:id', { payments: 2, amount: 20_000n }],
    ['/b', { payments: 1, amount: 20_000n }],
  ]);
});
