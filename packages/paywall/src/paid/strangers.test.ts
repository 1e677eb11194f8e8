import { x402v1, x402v2 } from '@agentpay/protocol';
import { paywall, type PaywallOptions } from '../index.js';
import {
  fakeFacilitator,
  listen,
  pay,
  PAY_TO,
  receiptOf,
  send,
  type Dialect,
  type Seller,
} from '../seller.test.support.js';

let seller: Seller;
afterEach(() => seller?.close());

async function open(options: Partial<PaywallOptions> = {}) {
  const wall = paywall({
    payTo: PAY_TO,
    facilitator: fakeFacilitator(),
    logger: false,
    ...options,
  });
  let served = 0;
  seller = await listen((req, res) => {
    wall.charge('$0.01')(req, res, () => res.end(`the buyer's ${(served += 1)}`));
  });
}

type Headers = Record<string, string>;

/** What anybody makes of the chain (authorization and signature) and of an offer to himself. */
async function rebuilt(dialect: 'x402v2' | 'x402v1', headers: Headers, target = '/'): Promise<Headers> {
  const offer = await send(seller, target);
  if (dialect === 'x402v1') {
    const { payload } = x402v1.decodePaymentPayload(headers['x-payment'] as string);
    const { network } = x402v1.parsePaymentRequired(offer.json()).accepts[0] as x402v1.PaymentRequirements;
    return {
      'x-payment': x402v1.encodePaymentPayload({ x402Version: 1, scheme: 'exact', network, payload }),
    };
  }
  const { payload } = x402v2.decodePaymentPayload(headers['payment-signature'] as string);
  const [accepted] = x402v2.decodePaymentRequired(offer.headers['payment-required'] as string).accepts;
  const paid = { x402Version: 2, accepted: accepted as x402v2.PaymentRequirements, payload } as const;
  return { 'payment-signature': x402v2.encodePaymentPayload(paid) };
}

describe('a stored response goes to nobody who shows nothing but what is public', () => {
  it.each(['x402v2', 'x402v1'] as const)('%s rebuilt from the chain: 409', async (dialect) => {
    await open();
    const headers = pay(await send(seller, '/'), dialect);
    expect((await send(seller, '/', { headers })).text).toBe("the buyer's 1");
    const stranger = await send(seller, '/', { headers: await rebuilt(dialect, headers) });
    expect([stranger.status, stranger.text.includes("the buyer's")]).toEqual([409, false]);
    expect(stranger.headers['payment-required']).toBeUndefined();
  });

  it('the very x402 v1 proof again: 409 with the receipt', async () => {
    await open();
    const headers = pay(await send(seller, '/'), 'x402v1');
    const first = await send(seller, '/', { headers });
    const again = await send(seller, '/', { headers });
    expect([again.status, again.json().code]).toEqual([409, 'payment_already_used']);
    expect(receiptOf(again, 'x402v1')).toBe(receiptOf(first, 'x402v1'));
  });

  it.each<Dialect>(['x402v2', 'mpp'])(
    'the very proof in %s, with the name of an offer or challenge: the response',
    async (dialect) => {
      await open();
      const headers = pay(await send(seller, '/'), dialect);
      const first = await send(seller, '/', { headers });
      expect((await send(seller, '/', { headers })).text).toBe(first.text);
    },
  );

  it('whom the option repeats knows gets it, within its time and with the same headers', async () => {
    await open({ repeats: { headers: ['X-Session'], seconds: 60 } });
    const session = { 'x-session': 'of the buyer' };
    const headers = { ...pay(await send(seller, '/'), 'x402v1'), ...session };
    const first = await send(seller, '/', { headers });
    expect((await send(seller, '/', { headers })).text).toBe(first.text);
    const stranger = await rebuilt('x402v1', headers);
    expect((await send(seller, '/', { headers: stranger })).status).toBe(409);
    expect((await send(seller, '/', { headers: { ...stranger, 'x-session': 'of a stranger' } })).status).toBe(
      409,
    );
  });

  const elsewhere: readonly (readonly [string, Parameters<typeof send>[2]])[] = [
    ['another body', { method: 'POST', body: '{"a":2}' }],
    ['no body', { method: 'POST' }],
    ['another host', { method: 'POST', body: '{"a":1}', headers: { host: 'other.example' } }],
    ['no API key', { method: 'POST', body: '{"a":1}', headers: { 'x-api-key': '' } }],
    ['another API key', { method: 'POST', body: '{"a":1}', headers: { 'x-api-key': 'other' } }],
    ['a cookie', { method: 'POST', body: '{"a":1}', headers: { cookie: 'a=b' } }],
  ];
  it.each<Dialect>(['x402v2', 'x402v1', 'mpp'])(
    'a proof in %s buys nothing with anything else',
    async (dialect) => {
      await open({ repeats: {} });
      const own = { method: 'POST', body: '{"a":1}', headers: { 'x-api-key': 'of the buyer' } };
      const proof = pay(await send(seller, '/', own), dialect);
      const first = await send(seller, '/', { ...own, headers: { ...own.headers, ...proof } });
      expect(first.status).toBe(200);
      for (const [what, { headers = {}, ...other } = {}] of elsewhere) {
        const reply = await send(seller, '/', {
          ...other,
          headers: { ...own.headers, ...headers, ...proof },
        });
        expect([what, reply.status === 200]).toEqual([what, false]);
      }
      expect((await send(seller, '/', { ...own, headers: { ...own.headers, ...proof } })).text).toBe(
        first.text,
      );
    },
  );
});
