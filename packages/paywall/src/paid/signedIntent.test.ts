import { toBase64, writeSignedIntent, x402v2 } from '@agentpay/protocol';
import { paywall } from '../index.js';
import {
  HASH,
  PAY_TO,
  fakeFacilitator,
  listen,
  pay,
  receiptOf,
  send,
  type Reply,
  type Seller,
} from '../seller.test.support.js';

let seller: Seller;
afterEach(() => seller?.close());

async function open(price: Parameters<ReturnType<typeof paywall>['charge']>[0] = '$0.01') {
  const facilitator = fakeFacilitator();
  const served = { count: 0 };
  const charge = paywall({ payTo: PAY_TO, facilitator, logger: false }).charge(price);
  seller = await listen((req, res) => charge(req, res, () => res.end(`answer ${++served.count}`)));
  return { facilitator, served };
}

const v2 = (offer: Reply) => pay(offer, 'x402v2')['payment-signature'] as string;
const v1 = (offer: Reply) => pay(offer, 'x402v1')['x-payment'] as string;
const intent = (payload: string) => writeSignedIntent({ payload });
const authorized = (authorization: string | string[]) => send(seller, '/', { headers: { authorization } });

describe('Authorization: x402 usdc <signed-intent>', () => {
  it('brings an x402 payment, v2 or v1, answered with the receipt of its version', async () => {
    await open();
    const byV2 = await authorized(intent(v2(await send(seller, '/'))));
    expect([byV2.status, byV2.text, receiptOf(byV2, 'x402v2')]).toEqual([200, 'answer 1', HASH]);
    const byV1 = await authorized(intent(v1(await send(seller, '/'))));
    expect([byV1.status, byV1.text, receiptOf(byV1, 'x402v1')]).toEqual([200, 'answer 2', HASH]);
  });

  it('may be spelt in any case, and stand beside other credentials on one line or two', async () => {
    await open();
    expect(
      (await authorized(intent(v2(await send(seller, '/'))).replace('x402 usdc', 'X402  USDC'))).status,
    ).toBe(200);
    expect((await authorized(`Bearer abc, ${intent(v2(await send(seller, '/')))}`)).status).toBe(200);
    expect((await authorized([intent(v2(await send(seller, '/'))), 'Bearer abc'])).status).toBe(200);
  });

  it('is the same payment as in the header of x402: both together buy one answer', async () => {
    const { facilitator, served } = await open();
    const payload = v2(await send(seller, '/'));
    expect((await authorized(intent(payload))).text).toBe('answer 1');
    expect((await authorized(intent(payload))).text).toBe('answer 1');
    const elsewhere = await send(seller, '/', { headers: { 'payment-signature': payload } });
    expect([elsewhere.status, elsewhere.json().code]).toEqual([409, 'payment_bound_elsewhere']);
    expect([served.count, facilitator.moved.length]).toEqual([1, 1]);
  });

  it('pays a price that was worked out for the request', async () => {
    let price = '$0.01';
    await open(() => price);
    const payload = v2(await send(seller, '/'));
    price = '$0.02';
    expect((await authorized(intent(payload))).status).toBe(200);
  });

  it.each<[string, (offer: Reply) => Record<string, string | string[]>]>([
    ['PAYMENT-SIGNATURE', (offer) => ({ authorization: intent(v2(offer)), 'payment-signature': v2(offer) })],
    ['X-PAYMENT', (offer) => ({ authorization: intent(v2(offer)), 'x-payment': v1(offer) })],
    [
      'an MPP credential',
      (offer) => ({ authorization: [intent(v2(offer)), pay(offer, 'mpp')['authorization'] as string] }),
    ],
    ['a second intent', (offer) => ({ authorization: [intent(v2(offer)), intent(v2(offer))] })],
  ])('together with %s is ambiguous', async (_, headersFor) => {
    const { served } = await open();
    const reply = await send(seller, '/', { headers: headersFor(await send(seller, '/')) });
    expect([reply.status, reply.json().code, served.count]).toEqual([400, 'payment_ambiguous', 0]);
  });

  it.each<[string, (offer: Reply) => string]>([
    ['nothing', () => 'x402'],
    ['an asset alone', () => 'x402 usdc'],
    ['another asset', (offer) => `x402 eurc ${v2(offer)}`],
    ['no asset', (offer) => `x402 ${v2(offer)}`],
    ['something after it', (offer) => `${intent(v2(offer))} more`],
    ['no base64', () => intent('%%%')],
    ['no payment', () => intent(toBase64({ x402Version: 2 }))],
    ['a payment of another version', () => intent(toBase64({ x402Version: 3 }))],
    [
      'a payment in another token',
      (offer) => {
        const payload = x402v2.decodePaymentPayload(v2(offer));
        return intent(toBase64({ ...payload, accepted: { ...payload.accepted, asset: PAY_TO } }));
      },
    ],
  ])('with %s is malformed', async (_, credential) => {
    const { served, facilitator } = await open();
    const reply = await authorized(credential(await send(seller, '/')));
    expect([reply.status, reply.json().code, served.count, facilitator.calls.verify]).toEqual([
      400,
      'payment_malformed',
      0,
      0,
    ]);
  });

  it('is refused like any x402 payment when it does not fit the offer', async () => {
    const { facilitator } = await open();
    const payload = pay(await send(seller, '/'), 'x402v2', { value: '1' })['payment-signature'] as string;
    const reply = await authorized(intent(payload));
    expect([reply.status, reply.json().code]).toEqual([
      402,
      'invalid_exact_evm_payload_authorization_value_mismatch',
    ]);
    expect(facilitator.calls.verify).toBe(0);
  });
});
