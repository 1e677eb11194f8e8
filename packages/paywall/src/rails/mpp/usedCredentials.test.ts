/** What an MPP credential gets that was used before. Clients answer every challenge by paying anew: it must not come for what is paid. */
import { once } from 'node:events';
import { get, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { mpp } from '@agentpay/protocol';
import { paywall, type PaywallOptions } from '../../index.js';
import type { Price } from '../../seller/Price.js';
import {
  PAY_TO,
  fakeFacilitator,
  listen,
  pay,
  send,
  shiftedClock,
  type Reply,
  type Seller,
} from '../../seller.test.support.js';

const sellers: Seller[] = [];
afterEach(async () => {
  await Promise.all(sellers.splice(0).map((seller) => seller.close()));
});

type Selling = Partial<PaywallOptions> & { readonly handler?: RequestListener; readonly price?: Price };

const BEFORE = { price: '$0.01', settle: 'before' } as const;

async function open({
  handler = (_req, res) => res.end('goods'),
  price = '$0.01',
  ...options
}: Selling = {}) {
  const clock = shiftedClock();
  const facilitator = fakeFacilitator();
  const served = { count: 0 };
  const wall = paywall({ payTo: PAY_TO, facilitator, clock, logger: false, ...options });
  const charge = wall.charge(price);
  const seller = await listen((req, res) => {
    charge(req, res, () => {
      served.count++;
      return handler(req, res);
    });
  });
  sellers.push(seller);
  return { seller, served, clock, facilitator, idle: wall.idle };
}

/** Sends a request whose answer is read as it comes. */
async function stream({ port }: Seller, headers: Record<string, string>): Promise<IncomingMessage> {
  const [incoming] = (await once(get({ host: '127.0.0.1', port, headers, agent: false }), 'response')) as [
    IncomingMessage,
  ];
  return incoming;
}

function expectNoOffer({ status, headers, json }: Reply, expectedStatus: number, code: string): void {
  const offers = [headers['www-authenticate'], headers['payment-required'], headers['payment-receipt']];
  expect([status, json().code, ...offers]).toEqual([expectedStatus, code, undefined, undefined, undefined]);
}

/** Refused with a fresh challenge and without a receipt. */
function expectOffer(
  { status, headers, json }: Reply,
  problem: mpp.ProblemCode,
  used: Record<string, string>,
): void {
  const [challenge] = mpp.readChallenges(headers['www-authenticate'] ?? '');
  expect([status, json().type, json().challengeId]).toEqual([402, mpp.problemType(problem), challenge?.id]);
  expect(challenge?.id).not.toBe(mpp.readCredential(used['authorization'] as string).challenge.id);
  expect([headers['cache-control'], headers['payment-receipt']]).toEqual(['no-store', undefined]);
}

describe('no challenge for a credential', () => {
  it('whose request is being answered: 409 with Retry-After, and then the same response', async () => {
    const busy: ServerResponse[] = [];
    let begin: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const { seller, served } = await open({ handler: (_req, res) => busy.push(res) && begin() });
    const headers = pay(await send(seller, '/'), 'mpp');
    const first = send(seller, '/', { headers });
    await begun;
    const copy = await send(seller, '/', { headers });
    expectNoOffer(copy, 409, 'payment_in_progress');
    expect(copy.headers['retry-after']).toBe('1');
    busy[0]?.end('goods');
    expect([(await first).text, (await send(seller, '/', { headers })).text, served.count]).toEqual([
      'goods',
      'goods',
      1,
    ]);
  });

  it('whose answer is going out as a stream, or broke off in it', async () => {
    const streams: ServerResponse[] = [];
    const handler: RequestListener = (_req, res) => streams.push(res) && res.write('go');
    const { seller, served, facilitator } = await open({ price: BEFORE, handler });
    const headers = pay(await send(seller, '/'), 'mpp');
    const incoming = await stream(seller, headers);
    expectNoOffer(await send(seller, '/', { headers }), 409, 'payment_already_used');
    const left = once(streams[0] as ServerResponse, 'close');
    incoming.destroy();
    await left;
    expectNoOffer(await send(seller, '/', { headers }), 409, 'payment_already_used');
    expect([served.count, facilitator.moved.length]).toEqual([1, 1]);
  });

  it.each<[string, Selling, number]>([
    ['was streamed', { price: BEFORE }, 200],
    ['was too long to be kept', { maxStoredBytes: 2 }, 200],
    [
      'went out before it was paid for',
      { maxStoredBytes: 2, price: { price: '$0.01', settle: 'optimistic' } },
      200,
    ],
    [
      'was a failure that had been paid for',
      { price: BEFORE, handler: (_req, res) => res.writeHead(500).end() },
      500,
    ],
  ])(
    'whose answer %s, as long as it could be sent by somebody who does not know',
    async (_, selling, status) => {
      const { seller, served, clock, facilitator, idle } = await open(selling);
      const headers = pay(await send(seller, '/'), 'mpp');
      expect((await send(seller, '/', { headers })).status).toBe(status);
      await idle();
      for (const offset of [0, 120_000, 240_000]) {
        clock.offset = offset;
        expectNoOffer(await send(seller, '/', { headers }), 409, 'payment_already_used');
      }
      expect([served.count, facilitator.moved.length]).toEqual([1, 1]);
    },
  );

  it('that was spent where the seller has no record of it: what for is not known', async () => {
    const { seller, served, facilitator } = await open();
    const headers = pay(await send(seller, '/'), 'mpp');
    const { payload } = mpp.readCredential(headers['authorization'] as string);
    facilitator.moved.push((payload as { nonce: string }).nonce);
    expectNoOffer(await send(seller, '/', { headers }), 409, 'invalid_exact_evm_nonce_already_used');
    expect(served.count).toBe(0);
  });

  it('of another caller, who still gets the response', async () => {
    const { seller } = await open();
    const headers = pay(await send(seller, '/'), 'mpp');
    await send(seller, '/', { headers });
    expectNoOffer(
      await send(seller, '/', { headers: { ...headers, cookie: 'caller=2' } }),
      409,
      'payment_bound_elsewhere',
    );
    expect((await send(seller, '/', { headers })).text).toBe('goods');
  });
});

describe('a fresh challenge for a credential of which nothing can come any more', () => {
  it('because it paid for another request: 402 invalid-challenge', async () => {
    const { seller, served } = await open();
    const headers = pay(await send(seller, '/a'), 'mpp');
    expect((await send(seller, '/a', { headers })).text).toBe('goods');
    expectOffer(await send(seller, '/b', { headers }), 'invalid-challenge', headers);
    expect([(await send(seller, '/a', { headers })).text, served.count]).toEqual(['goods', 1]);
  });

  it.each<[string, Selling]>([
    ['the response that was kept', {}],
    ['one that was not', { price: BEFORE }],
  ])('because it has expired, and with it %s: 402 payment-expired', async (_, selling) => {
    const { seller, served, clock } = await open(selling);
    const headers = pay(await send(seller, '/'), 'mpp');
    expect((await send(seller, '/', { headers })).text).toBe('goods');
    clock.offset = 361_000;
    const refused = await send(seller, '/', { headers });
    expectOffer(refused, 'payment-expired', headers);
    expect(served.count).toBe(1);
  });
});
