import { paywall } from '../index.js';
import {
  HASH,
  PAY_TO,
  fakeFacilitator,
  listen,
  pay,
  receiptOf,
  send,
  type Seller,
} from '../seller.test.support.js';

let seller: Seller;
afterEach(() => seller?.close());

async function open() {
  const facilitator = fakeFacilitator();
  const charge = paywall({ logger: false, payTo: PAY_TO, facilitator }).charge('$0.01');
  seller = await listen((req, res) => charge(req, res, () => res.end('sold')));
  return { facilitator, offer: await send(seller, '/') };
}
const ask = (headers: Record<string, string | string[]>) => send(seller, '/', { headers });

describe('one proof', () => {
  it.each(['x402v2', 'x402v1'] as const)('in %s may stand in both headers of x402', async (dialect) => {
    const { facilitator, offer } = await open();
    const [text] = Object.values(pay(offer, dialect)) as [string];
    const paid = await ask({ 'payment-signature': text, 'x-payment': ` ${text} ` });
    expect([paid.status, paid.text, receiptOf(paid, dialect)]).toEqual([200, 'sold', HASH]);
    expect(facilitator.moved).toHaveLength(1);
  });

  it('may stand among the credentials as well', async () => {
    const { offer } = await open();
    const [text] = Object.values(pay(offer, 'x402v2')) as [string];
    const paid = await ask({ 'payment-signature': text, authorization: `x402 usdc ${text}` });
    expect(paid.status).toBe(200);
  });

  it('may be repeated in one header', async () => {
    const { offer } = await open();
    const [text] = Object.values(pay(offer, 'x402v2')) as [string];
    expect((await ask({ 'payment-signature': [text, text] })).status).toBe(200);
  });

  it.each([
    ['x402v2', 'x-payment'],
    ['x402v1', 'payment-signature'],
  ] as const)('is of the version that it names: %s in %s', async (dialect, header) => {
    const { facilitator, offer } = await open();
    const [text] = Object.values(pay(offer, dialect)) as [string];
    const paid = await ask({ [header]: text });
    expect([paid.status, receiptOf(paid, dialect)]).toEqual([200, HASH]);
    expect(facilitator.moved).toHaveLength(1);
  });

  it.each(['x402v2', 'x402v1', 'mpp'] as const)(
    'in %s is not disturbed by empty headers',
    async (dialect) => {
      const { offer } = await open();
      const empty = { 'payment-signature': '', 'x-payment': ' ', 'x-payment-token': '' };
      expect((await ask({ ...empty, ...pay(offer, dialect) })).status).toBe(200);
    },
  );
});

it.each(['payment-signature', 'x-payment', 'authorization', 'x-payment-token', 'sign-in-with-x'])(
  'an empty %s is none: 402 with an offer',
  async (name) => {
    await open();
    const reply = await ask({ [name]: '' });
    expect([reply.status, reply.json().code]).toEqual([402, 'payment_required']);
  },
);
