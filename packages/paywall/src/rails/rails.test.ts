import { readdirSync } from 'node:fs';
import express from 'express';
import { Refusal, type ProvenPayment } from '../paid/Payment.js';
import { headerText } from '../paid/headerText.js';
import { paywallWith } from '../paywall.js';
import type { PaywallOptions } from '../index.js';
import { fakeFacilitator, listen, pay, PAY_TO, send, type Seller } from '../seller.test.support.js';
import type { PaymentRail } from './PaymentRail.js';
import { rails } from './rails.js';

const settled: string[] = [];

/** A fifth dialect: buyers promise to pay, as "from owes amount for note". */
const promiseRail: PaymentRail = {
  protocol: 'promise',
  headers: {
    proofs: ['X-Promise'],
    scheme: 'Promise',
    choices: ['Accept-Promise'],
    responses: ['X-Promise-Offer', 'X-Promise-Receipt'],
    deliveryReceipts: ['X-Promise-Receipt'],
  },
  sells: (_, { terms }) => terms.scheme === 'exact',
  offer({ state }, { terms }, { request }) {
    const members = `"promise":{"amount":"${terms.amount}","why":"${request?.refusal?.reason ?? 'none'}"}`;
    const next = () => ({ header: 'X-Promise-Offer', values: `${terms.amount} ${state.nonce()}` });
    return { members, next, isChosen: true };
  },
  find: (context) => [headerText(context, 'X-Promise')],
  read({ quote, config }, proof) {
    const [, from = '', amount, note] = /^(\w+) owes (\d+) for (\w+)$/.exec(proof) ?? [];
    if (amount !== quote.terms.amount.toString())
      throw new Refusal('promise_amount', 'That is not the price.');
    const inAMinute = config.clock.now() + 60_000;
    return {
      key: `promise:${from}:${note}`,
      payer: from,
      isSecret: true,
      expiresAtMs: inAMinute,
      deadlineMs: inAMinute,
      checkTime: () => undefined,
      verify: async () => ({}),
      async settle() {
        settled.push(proof);
        return { state: 'settled', receipt: { 'X-Promise-Receipt': `${from} owes` } };
      },
      release: async () => undefined,
    } satisfies ProvenPayment;
  },
  quoted({ pricing }, proof, scope) {
    const [, amount] = /owes (\d+)/.exec(proof) ?? [];
    return amount === undefined ? undefined : pricing.pinned(scope, BigInt(amount), undefined);
  },
};

let seller: Seller | undefined;
beforeEach(() => settled.splice(0));
afterEach(() => seller?.close());

async function open(
  options: Partial<PaywallOptions> = {},
  dialects: readonly PaymentRail[] = [...rails, promiseRail],
) {
  const facilitator = fakeFacilitator();
  const wall = paywallWith(dialects, { payTo: PAY_TO, facilitator, logger: false, ...options });
  const app = express();
  let dearer = 0;
  app.use(wall.discovery({ app }));
  app.all('/fixed', wall.charge('$0.01'), (_req, res) => void res.send('sold'));
  app.get('/fails', wall.charge('$0.01'), (_req, res) => void res.sendStatus(500));
  app.get(
    '/worked-out',
    wall.charge(() => `$0.0${++dearer}`),
    (_req, res) => void res.send('sold'),
  );
  app.get('/ceiling', wall.charge({ upto: '$0.01' }), (_req, res) => void res.send('sold'));
  seller = await listen(app);
  return seller;
}

const promise = (amount: number, note = 'one') => ({ 'x-promise': `ada owes ${amount} for ${note}` });

test('the list holds every folder that has a rail', async () => {
  const folders = readdirSync(new URL('../../src/rails/', import.meta.url), { withFileTypes: true }).filter(
    (entry) => entry.isDirectory(),
  );
  const found = await Promise.all(
    folders.map(async ({ name }) => {
      const module = (await import(`./${name}/${name}.js`)) as Record<string, unknown>;
      return module[`${name}Rail`];
    }),
  );
  expect(new Set(found.filter(Boolean))).toEqual(new Set(rails));
  expect(rails).toHaveLength(4);
});

describe('a fifth rail', () => {
  it('is offered beside the others, by its header and its member of the body, anew in each 402', async () => {
    const shop = await open();
    const [first, second] = [await send(shop, '/fixed'), await send(shop, '/fixed')];
    expect([first.status, first.json().promise, first.json().x402Version]).toEqual([
      402,
      { amount: '10000', why: 'none' },
      1,
    ]);
    expect(first.headers['x-promise-offer']).toMatch(/^10000 /);
    expect(first.headers['x-promise-offer']).not.toBe(second.headers['x-promise-offer']);
    expect(first.headers['payment-required']).toEqual(expect.any(String));
    expect(first.headers['www-authenticate']).toMatch(/^Payment /);
  });

  it('is read: the handler runs once, the receipt goes out, the same proof gets the same response', async () => {
    const shop = await open();
    const paid = await send(shop, '/fixed', { headers: promise(10_000) });
    expect([paid.status, paid.text, paid.headers['x-promise-receipt']]).toEqual([200, 'sold', 'ada owes']);
    const again = await send(shop, '/fixed', { headers: promise(10_000) });
    expect([again.text, again.headers['x-payment-replayed']]).toEqual(['sold', 'true']);
    const elsewhere = await send(shop, '/fixed?other=1', { headers: promise(10_000) });
    expect([elsewhere.status, elsewhere.json().code]).toEqual([409, 'payment_bound_elsewhere']);
    expect(settled).toHaveLength(1);
  });

  it('is refused with a fresh offer that says why, and is charged for no failure', async () => {
    const shop = await open();
    const refused = await send(shop, '/fixed', { headers: promise(1) });
    expect([refused.status, refused.json().code, refused.json().promise.why]).toEqual([
      402,
      'promise_amount',
      'promise_amount',
    ]);
    expect((await send(shop, '/fails', { headers: promise(10_000, 'two') })).status).toBe(500);
    expect(settled).toEqual([]);
  });

  it('is one of several proofs: two in a request are ambiguous', async () => {
    const shop = await open();
    const both = { ...pay(await send(shop, '/fixed'), 'x402v2'), ...promise(10_000) };
    expect((await send(shop, '/fixed', { headers: both })).json().code).toBe('payment_ambiguous');
  });

  it('is paid at the price that was offered where prices are worked out', async () => {
    const shop = await open();
    expect((await send(shop, '/worked-out')).json().promise.amount).toBe('10000');
    expect((await send(shop, '/worked-out', { headers: promise(10_000) })).text).toBe('sold');
    expect((await send(shop, '/worked-out', { headers: promise(90_000, 'two') })).status).toBe(402);
  });

  it('is in Vary and in what pages of other origins may send and read', async () => {
    const shop = await open({ cors: true });
    const origin = 'https://shop.example';
    const offer = await send(shop, '/fixed', { headers: { origin } });
    expect(offer.headers['vary']).toMatch(/X-Promise.*Accept-Payment, Accept-Promise$/);
    expect(offer.headers['access-control-expose-headers']).toMatch(/X-Promise-Offer, X-Promise-Receipt/);
    const preflight = await send(shop, '/fixed', {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'GET' },
    });
    expect(preflight.headers['access-control-allow-headers']).toContain('X-Promise');
  });

  it('is in discovery, and only where it sells', async () => {
    const shop = await open();
    const { paths } = (await send(shop, '/openapi.json')).json();
    expect(paths['/fixed'].get['x-payment-info'].protocols).toEqual(['x402', 'mpp', 'promise']);
    expect(paths['/ceiling'].get['x-payment-info'].protocols).toEqual(['x402']);
  });

  it('is unknown to a paywall that does not list it', async () => {
    const shop = await open({}, rails);
    const offer = await send(shop, '/fixed', { headers: promise(10_000) });
    expect([offer.status, offer.json().code, offer.json().promise]).toEqual([
      402,
      'payment_required',
      undefined,
    ]);
  });
});
