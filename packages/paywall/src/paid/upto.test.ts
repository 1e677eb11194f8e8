import express from 'express';
import { AgentPayError, memoryStore, systemClock, type Clock } from '@agentpay/primitives';
import { x402v2, type Facilitator, type FacilitatorRequest } from '@agentpay/protocol';
import { paywall, type PaywallOptions, type PricedRoute } from '../index.js';
import { permit } from '../permits.test.support.js';
import {
  acceptsIn,
  HASH,
  NETWORK,
  PAY_TO,
  PAYER,
  fakeFacilitator,
  listen,
  send,
  shiftedClock,
  type FakeFacilitator,
  type Reply,
  type Seller,
} from '../seller.test.support.js';

const ACCOUNT = '0x90F79bf6EB2c4f870365E785982E1f101E93b906';
const OTHER = '0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65';

const kindOf = (facilitatorAddress: string) => ({
  x402Version: 2,
  scheme: 'upto',
  network: NETWORK.id,
  extra: { facilitatorAddress },
});
const supported: Facilitator['supported'] = async () => ({
  kinds: [kindOf(ACCOUNT)],
  extensions: [],
  signers: {},
});

let seller: Seller;
afterEach(() => seller?.close());

interface Shop {
  readonly facilitator: FakeFacilitator;
  /** Amounts that the facilitator was asked to settle. */
  readonly settled: string[];
  readonly faults: string[];
  readonly served: { count: number };
  readonly pay: ReturnType<typeof paywall>;
}

/** A route with a ceiling whose handler uses what the query says. */
async function open(
  price: PricedRoute = { upto: '$0.10' },
  options: Partial<PaywallOptions> = {},
  faults: Partial<Facilitator> = {},
) {
  const settled: string[] = [];
  const told: string[] = [];
  const settle = async ({ paymentRequirements }: FacilitatorRequest) => {
    settled.push((paymentRequirements as x402v2.PaymentRequirements).amount);
    return { success: true, transaction: HASH, network: NETWORK.id, payer: PAYER };
  };
  const facilitator = fakeFacilitator({ supported, settle, ...faults });
  const pay = paywall({
    logger: false,
    payTo: PAY_TO,
    facilitator,
    onError: ({ what }) => told.push(what),
    ...options,
  });
  const served = { count: 0 };
  const charge = pay.charge(price);
  seller = await listen((req, res) =>
    charge(req, res, () => {
      const used = new URLSearchParams((req.url ?? '').split('?')[1]).get('used');
      if (used !== null) pay.used(req, used);
      res.end(`answer ${++served.count}`);
    }),
  );
  return { facilitator, settled, faults: told, served, pay } satisfies Shop;
}

const accepted = acceptsIn;
const receipt = (reply: Reply) => x402v2.decodeSettleResponse(reply.headers['payment-response'] as string);

async function buy(target: string): Promise<Reply> {
  return send(seller, target, { headers: permit(await send(seller, target)) });
}

describe('a price up to a ceiling', () => {
  it('is offered in x402 v2, scheme upto, and names the account of the facilitator', async () => {
    await open();
    const offer = await send(seller, '/');
    expect(accepted(offer)).toMatchObject([
      {
        scheme: 'upto',
        amount: '100000',
        extra: { assetTransferMethod: 'permit2', facilitatorAddress: ACCOUNT },
      },
    ]);
    expect([offer.status, offer.headers['www-authenticate'], offer.json().accepts]).toEqual([
      402,
      undefined,
      undefined,
    ]);
  });

  it.each([
    ['$0.03', '30000'],
    ['0.000001', '1'],
    ['$0.10', '100000'],
  ])('settles what the handler says was used: %s', async (used, units) => {
    const amounts: string[] = [];
    const { settled, pay } = await open(undefined, { onSettled: ({ amount }) => amounts.push(amount) });
    const reply = await buy(`/?used=${used}`);
    expect([reply.status, settled, receipt(reply)]).toMatchObject([
      200,
      [units],
      { success: true, transaction: HASH, amount: units },
    ]);
    expect(amounts).toEqual([used.replace('$', '').replace(/0$/, '')]);
    expect([...pay.earnings().values()]).toEqual([{ payments: 1, amount: BigInt(units) }]);
  });

  it('never settles more than the ceiling, and tells the operator', async () => {
    const { settled, faults } = await open();
    expect((await buy('/?used=$0.11')).status).toBe(200);
    expect([settled, faults]).toEqual([
      ['100000'],
      ['a request used more than its ceiling: no more than that was charged'],
    ]);
  });

  it.each([
    ['zero', '/?used=0', []],
    ['nothing', '/', ['a handler did not say what its request used: nothing was charged']],
  ])(
    'settles nothing when the handler says %s, and the permit is spent all the same',
    async (_, target, told) => {
      const { facilitator, served, faults, pay } = await open();
      const proof = permit(await send(seller, target));
      const reply = await send(seller, target, { headers: proof });
      expect([reply.status, receipt(reply)]).toMatchObject([
        200,
        { success: true, transaction: '', amount: '0' },
      ]);
      const again = await send(seller, target, { headers: proof });
      expect([again.text, again.headers['x-payment-replayed']]).toEqual(['answer 1', 'true']);
      expect([served.count, facilitator.calls.settle, faults, pay.earnings().size]).toEqual([1, 0, told, 0]);
    },
  );

  it('charges nothing when the handler says nonsense or fails', async () => {
    const { facilitator } = await open();
    for (const used of ['ten', '-1', '-0.01', '$1e-3', '0.0000001'])
      expect((await buy(`/?used=${used}`)).status).toBe(500);
    expect(facilitator.calls.settle).toBe(0);
  });

  it('one permit buys one request: of 20 at once one runs, and one amount is settled', async () => {
    const { served, settled } = await open();
    const proof = permit(await send(seller, '/?used=0.05'));
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => send(seller, '/?used=0.05', { headers: proof })),
    );
    expect(replies.map(({ status }) => status).filter((status) => status !== 200 && status !== 409)).toEqual(
      [],
    );
    expect([served.count, settled]).toEqual([1, ['50000']]);
  });

  it('settles the amount that was used by the response that was stored, though the process died in between', async () => {
    const store = memoryStore(systemClock);
    const clock: Clock & { offset: number } = shiftedClock();
    let lost = true;
    const asked: string[] = [];
    const settle = async ({ paymentRequirements }: FacilitatorRequest) => {
      asked.push((paymentRequirements as x402v2.PaymentRequirements).amount);
      if (lost) throw new Error('no response');
      return { success: true, transaction: HASH, network: NETWORK.id, payer: PAYER };
    };
    await open(undefined, { store, clock }, { settle });
    const proof = permit(await send(seller, '/?used=0.05'));
    expect((await send(seller, '/?used=0.05', { headers: proof })).status).toBe(503);
    await seller.close();
    lost = false;
    const { served } = await open(undefined, { store, clock }, { settle });
    const reply = await send(seller, '/?used=0.05', { headers: proof });
    expect([reply.status, reply.text, served.count]).toEqual([200, 'answer 1', 0]);
    expect(new Set(asked)).toEqual(new Set(['50000']));
  });

  it.each([
    ['another facilitator', { facilitator: OTHER }, 'upto_facilitator_mismatch'],
    ['another ceiling', { amount: '99999' }, 'permit2_amount_mismatch'],
    [
      'the proxy of exact payments',
      { spender: '0x402085c248EeA27D92E8b30b2C58ed07f9E20001' },
      'invalid_permit2_spender',
    ],
  ] as const)('refuses a permit for %s, and asks no facilitator', async (_, changes, code) => {
    const { facilitator } = await open();
    const refused = await send(seller, '/', { headers: permit(await send(seller, '/'), changes) });
    expect([refused.status, refused.json().code, facilitator.calls.verify]).toEqual([402, code, 0]);
  });

  it('may be a function, whose ceiling counts as it was offered', async () => {
    let upto = '$0.10';
    const { settled } = await open({ upto: () => upto });
    const proof = permit(await send(seller, '/?used=0.08'));
    upto = '$0.05';
    expect((await send(seller, '/?used=0.08', { headers: proof })).status).toBe(200);
    expect(settled).toEqual(['80000']);
    expect(accepted(await send(seller, '/')).map(({ amount }) => amount)).toEqual(['50000']);
  });

  it('in a token of other decimals is settled in its units, rounded down', async () => {
    const asset = { address: OTHER, decimals: 2 } as const;
    const { settled } = await open({ upto: '$0.10', accepts: [{ asset, transferMethod: 'permit2' }] });
    expect((await buy('/?used=0.059')).status).toBe(200);
    expect(settled).toEqual(['5']);
  });

  it('is listed with the ceiling and the account of the facilitator, as the 402 says it', async () => {
    const wall = paywall({
      logger: false,
      payTo: PAY_TO,
      facilitator: fakeFacilitator({ supported }),
      routes: { 'GET /a': { upto: '$0.10' } },
    });
    const discovery = wall.discovery();
    seller = await listen((req, res) => discovery(req, res, () => wall(req, res, () => res.end())));
    const listed = (await send(seller, '/.well-known/x402')).json().items;
    expect(listed).toMatchObject([{ method: 'GET', accepts: accepted(await send(seller, '/a')) }]);
    expect((await send(seller, '/llms.txt')).text).toContain('up to $0.10 in USDC on base-sepolia');
  });

  it('answers at once with settle: optimistic, and settles what was used', async () => {
    const { settled, pay } = await open({ upto: '$0.10', settle: 'optimistic' });
    expect((await buy('/?used=0.02')).status).toBe(200);
    await pay.idle();
    expect(settled).toEqual(['20000']);
  });
});

describe('the facilitator of a price up to a ceiling', () => {
  it('that is away, or does not settle the scheme, gets 503 instead of an offer', async () => {
    const away = async () => Promise.reject(new AgentPayError('facilitator_unavailable', 'away'));
    const none = async () => ({ kinds: [], extensions: [], signers: {} });
    for (const answer of [away, none]) {
      await open(undefined, {}, { supported: answer });
      expect((await send(seller, '/')).json()).toMatchObject({
        status: 503,
        code: 'facilitator_unavailable',
      });
      await seller.close();
    }
  });

  it('is asked once in a while, and its last word counts while it is away', async () => {
    const clock = shiftedClock();
    let [account, asked] = [ACCOUNT, 0];
    const facilitator: Partial<Facilitator> = {
      async supported() {
        asked++;
        if (account === '') throw new Error('away');
        return { kinds: [kindOf(account)], extensions: [], signers: {} };
      },
    };
    await open(undefined, { clock }, facilitator);
    const named = async () => accepted(await send(seller, '/'))[0]?.extra?.['facilitatorAddress'];
    expect(await Promise.all([named(), named(), named()])).toEqual([ACCOUNT, ACCOUNT, ACCOUNT]);
    expect(asked).toBe(1);
    account = '';
    clock.offset += 61_000;
    expect([await named(), await named()]).toEqual([ACCOUNT, ACCOUNT]);
    account = OTHER;
    await named();
    expect(await named()).toBe(OTHER);
  });

  it('cannot be one of several', () => {
    const facilitator = [fakeFacilitator(), fakeFacilitator()];
    expect(() => paywall({ logger: false, payTo: PAY_TO, facilitator }).charge({ upto: '$1' })).toThrow(
      /one facilitator/,
    );
  });
});

describe('what was used is told', () => {
  it('under Express and in the style of fetch', async () => {
    const { settled, pay } = await open();
    await seller.close();
    const app = express();
    app.get('/', pay.charge({ upto: '$0.10' }), (req, res) => {
      pay.used(req, 40_000n);
      res.json({});
    });
    seller = await listen(app);
    expect((await buy('/')).status).toBe(200);

    const wall = paywall({
      logger: false,
      payTo: PAY_TO,
      facilitator: fakeFacilitator({ supported }),
      price: { upto: '$0.10' },
    });
    const answer = (headers: Record<string, string>) =>
      wall.respond(new Request('http://shop.example/', { headers }), (request) => {
        wall.used(request, '$0.02');
        return new Response('used');
      });
    const offer = await answer({});
    const required = {
      headers: { 'payment-required': offer.headers.get('payment-required') },
    } as unknown as Reply;
    const paid = await answer(permit(required));
    expect([paid.status, await paid.text()]).toEqual([200, 'used']);
    expect(x402v2.decodeSettleResponse(paid.headers.get('payment-response') as string).amount).toBe('20000');
    expect(settled).toEqual(['40000']);
  });

  it('by requests that are free or at a price, without effect', async () => {
    const wall = paywall({
      logger: false,
      payTo: PAY_TO,
      facilitator: fakeFacilitator(),
      price: { upto: '$0.10' },
      authorize: () => 'grant',
    });
    const handler = (request: Request) => {
      wall.used(request, '$0.02');
      return new Response('free');
    };
    expect(await (await wall.respond(new Request('http://shop.example/'), handler)).text()).toBe('free');
  });
});

describe('paywall() refuses', () => {
  it.each<[string, PricedRoute, RegExp]>([
    ['a price beside a ceiling', { price: '$1', upto: '$1' }, /price or upto/],
    ['neither', {}, /price or upto/],
    ['a ceiling to be paid before', { upto: '$1', settle: 'before' }, /before it is known/],
    ['a ceiling of zero', { upto: '$0' }, /zero/],
    ['a ceiling for tokens', { upto: '$1', service: 'svc_1' }, /ceiling/],
    ['a ceiling beside an amount', { upto: '$1', accepts: [{ amount: '1' }] }, /fixed price/],
  ])('%s', (_, price, message) => {
    expect(() =>
      paywall({ logger: false, payTo: PAY_TO, facilitator: fakeFacilitator() }).charge(price),
    ).toThrow(message);
  });
});
