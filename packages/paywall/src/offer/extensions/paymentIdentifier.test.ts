import { PAYMENT_IDENTIFIER, x402v2 } from '@agentpay/protocol';
import { paywall, type PaywallOptions, type RouteExtensions } from '../../index.js';
import {
  PAY_TO,
  fakeFacilitator,
  listen,
  pay,
  send,
  type Reply,
  type Seller,
} from '../../seller.test.support.js';

const ID = 'order_0123456789abcdef';

let seller: Seller;
afterEach(() => seller?.close());

async function open(
  extensions: RouteExtensions,
  handler?: () => number,
  options: Partial<PaywallOptions> = {},
) {
  const facilitator = fakeFacilitator();
  const served = { count: 0 };
  const charge = paywall({ payTo: PAY_TO, facilitator, logger: false, ...options }).charge({
    price: '$0.01',
    extensions,
  });
  seller = await listen((req, res) =>
    charge(req, res, () => {
      res.statusCode = handler?.() ?? 200;
      res.end(`answer ${++served.count}`);
    }),
  );
  return { facilitator, served };
}

const declared = (offer: Reply) =>
  x402v2.decodePaymentRequired(offer.headers['payment-required'] as string).extensions;

/** A fresh payment with a name. */
async function named(info: object | null, target = '/'): Promise<Record<string, string>> {
  const paid = x402v2.decodePaymentPayload(
    pay(await send(seller, target), 'x402v2')['payment-signature'] as string,
  );
  const extensions = { [PAYMENT_IDENTIFIER]: info && { info } };
  return { 'payment-signature': x402v2.encodePaymentPayload({ ...paid, extensions }) };
}

describe('a payment identifier', () => {
  it('is declared in the 402 of routes that read it', async () => {
    await open({ paymentIdentifier: 'required' });
    expect(declared(await send(seller, '/'))).toMatchObject({
      [PAYMENT_IDENTIFIER]: { info: { required: true } },
    });
    await seller.close();
    await open({ paymentIdentifier: 'optional' });
    expect(declared(await send(seller, '/'))).toMatchObject({
      [PAYMENT_IDENTIFIER]: { info: { required: false } },
    });
    await seller.close();
    await open({});
    expect(declared(await send(seller, '/'))).toBeUndefined();
  });

  it('names one payment: the same one gets its response again, another one 409, and the facilitator hears of neither', async () => {
    const { facilitator, served } = await open({ paymentIdentifier: 'optional' });
    const first = await named({ required: false, id: ID });
    expect((await send(seller, '/', { headers: first })).text).toBe('answer 1');
    const again = await send(seller, '/', { headers: first });
    expect([again.status, again.text, again.headers['payment-response']]).toEqual([
      200,
      'answer 1',
      expect.any(String),
    ]);
    const other = await send(seller, '/', { headers: await named({ id: ID }) });
    expect([other.status, other.json().code]).toEqual([409, 'conflict']);
    expect([served.count, facilitator.moved.length, facilitator.calls]).toEqual([
      1,
      1,
      { verify: 1, settle: 1 },
    ]);
    expect((await send(seller, '/', { headers: await named({ id: `${ID}2` }) })).text).toBe('answer 2');
  });

  it('lets one of ten payments of the same name through at the same time', async () => {
    const { facilitator, served } = await open({ paymentIdentifier: 'required' });
    const proofs = await Promise.all(Array.from({ length: 10 }, () => named({ id: ID })));
    const replies = await Promise.all(proofs.map((headers) => send(seller, '/', { headers })));
    expect(replies.map(({ status }) => status).sort()).toEqual([
      200,
      ...Array.from({ length: 9 }, () => 409),
    ]);
    expect([served.count, facilitator.moved.length]).toEqual([1, 1]);
  });

  it('is free again when nothing was charged', async () => {
    let status = 500;
    const { facilitator } = await open({ paymentIdentifier: 'required' }, () => status);
    expect((await send(seller, '/', { headers: await named({ id: ID }) })).status).toBe(500);
    status = 200;
    expect((await send(seller, '/', { headers: await named({ id: ID }) })).status).toBe(200);
    expect(facilitator.moved).toHaveLength(1);
  });

  it.each([
    ['of the wrong shape', { id: 'short' }, 'optional'],
    ['that is no text', { id: 17 }, 'optional'],
    ['that is missing where it is required', {}, 'required'],
    ['whose extension is missing where it is required', null, 'required'],
  ] as const)('%s is malformed, and the facilitator is not asked', async (_, info, paymentIdentifier) => {
    const { facilitator } = await open({ paymentIdentifier });
    const refused = await send(seller, '/', { headers: await named(info) });
    expect([refused.status, refused.json().code, facilitator.calls.verify]).toEqual([
      400,
      'payment_malformed',
      0,
    ]);
  });

  it('is not read by routes that do not declare it', async () => {
    await open({}, undefined, { extensions: { paymentIdentifier: 'required' } });
    expect((await send(seller, '/', { headers: await named({ id: 'short' }) })).status).toBe(200);
  });

  it('is declared in known words only, for a route or for all of them', () => {
    const extensions = { paymentIdentifier: 'always' } as unknown as RouteExtensions;
    const good = { payTo: PAY_TO, facilitator: fakeFacilitator() };
    expect(() => paywall({ logger: false, ...good, extensions })).toThrow(/extensions.paymentIdentifier/);
    expect(() => paywall(good).charge({ price: '$1', extensions })).toThrow(/extensions.paymentIdentifier/);
  });
});
