import { baseSepolia, systemClock, unixSeconds } from '@agentpay/primitives';
import {
  declareGasSponsoring,
  EIP2612_GAS_SPONSORING,
  PERMIT2,
  UPTO_PERMIT2_PROXY,
  wrapSignature,
  x402v2,
  type Address,
  type FacilitatorRequest,
  type VerifyResponse,
} from '@agentpay/protocol';
import { paywall, type PaywallOptions, type PricedRoute } from '../index.js';
import { permit } from '../permits.test.support.js';
import {
  acceptsIn,
  DIALECTS,
  PAY_TO,
  PAYER,
  fakeFacilitator,
  listen,
  nonceOf,
  pay,
  send,
  type Seller,
} from '../seller.test.support.js';

const OTHER = '0x90F79bf6EB2c4f870365E785982E1f101E93b906';
const EURC = {
  address: '0x808456652fdb597867f38412077A9182bf77359F',
  decimals: 6,
  eip712: { name: 'EURC', version: '2' },
} as const;
const DAI = { address: '0x50c5725949A6F0c72E6C4a641F24049A917DB0Cb', decimals: 18 } as const;
const CENTS = { address: OTHER, decimals: 2 } as const;

let seller: Seller;
afterEach(() => seller?.close());

async function open(price: PricedRoute, options: Partial<PaywallOptions> = {}) {
  const asked: FacilitatorRequest[] = [];
  const facilitator = fakeFacilitator({
    async verify(request): Promise<VerifyResponse> {
      asked.push(request);
      return { isValid: true, payer: PAYER };
    },
  });
  const served = { count: 0 };
  const charge = paywall({ payTo: PAY_TO, facilitator, logger: false, ...options }).charge(price);
  seller = await listen((req, res) => charge(req, res, () => res.end(`answer ${++served.count}`)));
  return { facilitator, served, asked };
}

const accepted = acceptsIn;
const byPermit2 = { price: '$0.01', accepts: [{ transferMethod: 'permit2' }] } as const;

describe('a option by Permit2', () => {
  it('is offered in x402 v2 alone, and sells one request by one permit', async () => {
    const { facilitator, served, asked } = await open(byPermit2);
    const offer = await send(seller, '/');
    expect(accepted(offer)).toEqual([
      {
        scheme: 'exact',
        network: baseSepolia.id,
        amount: '10000',
        asset: baseSepolia.usdc.address,
        payTo: PAY_TO,
        maxTimeoutSeconds: 300,
        extra: { ...baseSepolia.usdc.eip712, assetTransferMethod: 'permit2' },
      },
    ]);
    expect(offer.headers['www-authenticate']).toBeUndefined();
    expect(offer.json()).not.toHaveProperty('accepts');
    const proof = permit(offer);
    const replies = await Promise.all(
      Array.from({ length: 10 }, () => send(seller, '/', { headers: proof })),
    );
    expect(replies.filter(({ status }) => status === 200).every(({ text }) => text === 'answer 1')).toBe(
      true,
    );
    expect(replies.filter(({ status }) => status !== 200).every(({ status }) => status === 409)).toBe(true);
    expect([served.count, facilitator.moved.length, asked.length]).toEqual([1, 1, 1]);
    const again = await send(seller, '/', { headers: proof });
    expect([again.status, again.text, again.headers['x-payment-replayed']]).toEqual([
      200,
      'answer 1',
      'true',
    ]);
    expect((await send(seller, '/other', { headers: proof })).json()).toMatchObject({
      code: 'payment_bound_elsewhere',
    });
  });

  it('hands on what lets Permit2 move the token, and nothing else that the payer says, where the route sponsors gas', async () => {
    const { asked } = await open({ ...byPermit2, extensions: { gasSponsoring: true } });
    const offer = await send(seller, '/');
    const { extensions } = x402v2.decodePaymentRequired(offer.headers['payment-required'] as string);
    expect(extensions).toEqual(declareGasSponsoring());
    const info = {
      from: PAYER,
      asset: baseSepolia.usdc.address,
      spender: PERMIT2,
      amount: '10000',
      nonce: '0',
      deadline: '1893456000',
      signature: `0x${'ab'.repeat(65)}`,
      version: '1',
    };
    const paying = (said: object) => {
      const proof = x402v2.decodePaymentPayload(permit(offer)['payment-signature'] as string);
      const sent = { other: { info: {} }, [EIP2612_GAS_SPONSORING]: { info: said } };
      const header = x402v2.encodePaymentPayload({ ...proof, extensions: sent });
      return send(seller, '/', { headers: { 'payment-signature': header } });
    };
    const malformed = await paying({ ...info, signature: '0x00' });
    expect([malformed.status, asked.length]).toEqual([400, 0]);
    expect((await paying(info)).status).toBe(200);
    // Who echoes what was declared brings nothing.
    expect((await paying({ version: '1' })).status).toBe(200);
    const told = asked.map(
      ({ paymentPayload }) => (paymentPayload as x402v2.PaymentPayload).extensions ?? {},
    );
    expect(told.map((one) => [one[EIP2612_GAS_SPONSORING], 'other' in one])).toEqual([
      [{ info }, false],
      [undefined, false],
    ]);
  });

  const now = unixSeconds(systemClock);
  it.each<[string, Parameters<typeof permit>[1], string]>([
    ['another spender', { spender: UPTO_PERMIT2_PROXY }, 'invalid_permit2_spender'],
    ['another recipient', { to: OTHER }, 'invalid_permit2_recipient_mismatch'],
    ['another token', { token: OTHER }, 'permit2_token_mismatch'],
    ['less money', { amount: '9999' }, 'permit2_amount_mismatch'],
    ['more money', { amount: '10001' }, 'permit2_amount_mismatch'],
    ['a time that has passed', { deadline: String(now - 1) }, 'permit2_deadline_expired'],
    ['a time too short to settle in', { deadline: String(now + 5) }, 'permit2_deadline_expired'],
    ['a time to come', { validAfter: String(now + 100) }, 'permit2_not_yet_valid'],
  ])('refuses a permit for %s, and asks no facilitator', async (_, changes, code) => {
    const { facilitator, served } = await open(byPermit2);
    const refused = await send(seller, '/', { headers: permit(await send(seller, '/'), changes) });
    expect([refused.status, refused.json().code]).toEqual([402, code]);
    expect([served.count, facilitator.calls]).toEqual([0, { verify: 0, settle: 0 }]);
  });

  it('refuses an authorization in place of a permit as malformed, and asks no facilitator', async () => {
    const { facilitator } = await open(byPermit2);
    const refused = await send(seller, '/', { headers: pay(await send(seller, '/'), 'x402v2') });
    expect([refused.status, refused.json().code, facilitator.calls.verify]).toEqual([
      400,
      'payment_malformed',
      0,
    ]);
  });

  it('answers 412 to a payer who has to let Permit2 move the token first', async () => {
    const invalidReason = 'permit2_allowance_required';
    const facilitator = fakeFacilitator({ verify: async () => ({ isValid: false, invalidReason }) });
    await open(byPermit2, { facilitator });
    const refused = await send(seller, '/', { headers: permit(await send(seller, '/')) });
    expect([refused.status, refused.json()]).toMatchObject([412, { status: 412, code: invalidReason }]);
    expect(accepted(refused)).toHaveLength(1);
  });

  it('beside EIP-3009: each proof is taken for the offer that it accepts', async () => {
    const { facilitator, served } = await open({
      price: '$0.01',
      accepts: [{}, { transferMethod: 'permit2' }],
    });
    const offer = await send(seller, '/');
    expect((await send(seller, '/', { headers: permit(offer, {}, 1) })).status).toBe(200);
    for (const dialect of DIALECTS)
      expect((await send(seller, '/', { headers: pay(offer, dialect) })).status).toBe(200);
    expect([served.count, facilitator.moved.length]).toEqual([4, 4]);
  });
});

describe('tokens', () => {
  it('of other decimals are charged the same price in their own units', async () => {
    const accepts = [
      {},
      { asset: { ...DAI }, transferMethod: 'permit2' },
      { asset: { ...CENTS }, transferMethod: 'permit2' },
    ] as const;
    const { facilitator } = await open({ price: '$0.05', accepts });
    const offer = await send(seller, '/');
    expect(accepted(offer).map(({ amount }) => amount)).toEqual(['50000', '50000000000000000', '5']);
    for (const choice of [1, 2])
      expect((await send(seller, '/', { headers: permit(offer, {}, choice) })).status).toBe(200);
    expect(facilitator.moved).toHaveLength(2);
  });

  it.each(DIALECTS)(
    'that are no dollars are charged the amount that the seller states, in %s',
    async (dialect) => {
      const { asked } = await open({ price: '$0.01', accepts: [{ asset: EURC, amount: '9200' }] });
      const offer = await send(seller, '/');
      expect(accepted(offer)).toMatchObject([
        { amount: '9200', asset: EURC.address, extra: { name: 'EURC', version: '2' } },
      ]);
      expect((await send(seller, '/', { headers: pay(offer, dialect) })).status).toBe(200);
      expect(asked[0]?.paymentRequirements).toMatchObject({
        asset: EURC.address,
        extra: { name: 'EURC', version: '2' },
      });
      expect((await send(seller, '/', { headers: pay(offer, dialect, { value: '9199' }) })).status).toBe(402);
    },
  );

  it.each(DIALECTS)(
    'of other decimals keep the price that was offered by a price function, in %s',
    async (dialect) => {
      let price = '$0.01';
      await open({
        price: () => price,
        accepts: [{ asset: { ...DAI, eip712: { name: 'Dai', version: '1' } } }],
      });
      const offer = await send(seller, '/');
      price = '$0.02';
      expect((await send(seller, '/', { headers: pay(offer, dialect) })).status).toBe(200);
      expect(accepted(await send(seller, '/')).map(({ amount }) => amount)).toEqual(['20000000000000000']);
    },
  );

  it('that x402 v1 could not tell apart are offered there once', async () => {
    await open({ price: '$0.01', accepts: [{}, { asset: EURC }, { asset: EURC, payTo: OTHER }] });
    const offer = await send(seller, '/');
    expect(accepted(offer)).toHaveLength(3);
    expect(
      offer.json().accepts.map(({ asset, payTo }: { asset: Address; payTo: Address }) => [asset, payTo]),
    ).toEqual([
      [baseSepolia.usdc.address, PAY_TO],
      [EURC.address, OTHER],
    ]);
  });

  it.each<[string, PricedRoute, RegExp]>([
    [
      'without EIP-712 name and version',
      { price: '$1', accepts: [{ asset: { ...DAI } }] },
      /eip712.*permit2/,
    ],
    [
      'with an unknown member',
      { price: '$1', accepts: [{ asset: { ...EURC, symbol: 'EURC' } as typeof EURC }] },
      /symbol/,
    ],
    [
      'with a wrong checksum',
      { price: '$1', accepts: [{ asset: { ...DAI, address: DAI.address.replace('c', 'C') } }] },
      /checksum/,
    ],
    [
      'too coarse for the price',
      { price: '$0.001', accepts: [{ asset: { ...CENTS }, transferMethod: 'permit2' }] },
      /fine .* 2 decimals/,
    ],
    ['at an amount of zero', { price: '$1', accepts: [{ amount: '0' }] }, /amount must not be zero/],
    [
      'at an amount beside a price function',
      { price: () => '$1', accepts: [{ amount: '1' }] },
      /fixed price/,
    ],
    ['twice', { price: '$1', accepts: [{ asset: EURC }, { asset: EURC }] }, /twice/],
  ])('are refused at construction %s', (_, price, message) => {
    expect(() =>
      paywall({ logger: false, payTo: PAY_TO, facilitator: fakeFacilitator() }).charge(price),
    ).toThrow(message);
  });

  it('at an amount are refused for all routes together', () => {
    expect(() =>
      paywall({ logger: false, payTo: PAY_TO, facilitator: fakeFacilitator(), accepts: [{ amount: '1' }] }),
    ).toThrow(/accepts of one route/);
  });
});

describe('signatures of smart accounts', () => {
  const inner = `0x${'ab'.repeat(65)}01` as const;
  it.each([
    ['of an account with code', inner],
    ['of an account that does not exist yet', wrapSignature({ factory: OTHER, data: '0x1234' }, inner)],
  ])('%s reach the facilitator as they came, by EIP-3009 and by Permit2', async (_, signature) => {
    const { asked } = await open({ price: '$0.01', accepts: [{}, { transferMethod: 'permit2' }] });
    const offer = await send(seller, '/');
    const plain = x402v2.decodePaymentPayload(pay(offer, 'x402v2')['payment-signature'] as string);
    const smart = x402v2.encodePaymentPayload({ ...plain, payload: { ...plain.payload, signature } });
    expect((await send(seller, '/', { headers: { 'payment-signature': smart } })).status).toBe(200);
    expect((await send(seller, '/', { headers: permit(offer, { signature }, 1) })).status).toBe(200);
    expect(asked.map(({ paymentPayload }) => paymentPayload.payload['signature'])).toEqual([
      signature,
      signature,
    ]);
    expect(new Set(asked.map(nonceOf)).size).toBe(2);
  });
});
