import { billing, events, gateways, ledger } from '@agentpay/core';
import { baseSepolia } from '@agentpay/primitives';
import type { Facilitator, FacilitatorRequest } from '@agentpay/protocol';
import { outcomeOf, type ChainTill } from '@agentpay/server';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { ADMIN_KEY, closeBalanced, testApi, type TestApi } from '../families/testApi.js';
import { authorizeByX402, fundByX402 } from './devGateway.js';

/** A chain on paper: what it is asked to settle has come, unless a test says otherwise. */
let says: 'settled' | 'pending' | 'refused' = 'settled';
const facilitator: Facilitator = {
  verify: async () => ({ isValid: true }),
  supported: async () => ({
    kinds: [{ x402Version: 2, scheme: 'exact', network: baseSepolia.id }],
    extensions: [],
    signers: {},
  }),
  async settle() {
    const network = baseSepolia.id;
    if (says === 'refused')
      return { success: false, errorReason: 'insufficient_funds', transaction: '', network };
    const transaction = `0x${'ab'.repeat(32)}`;
    if (says === 'pending')
      return { success: false, errorReason: 'settlement_pending', transaction, network };
    return { success: true, transaction, network };
  },
};
const till: ChainTill = {
  payTo: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
  network: baseSepolia,
  facilitator,
  settle: async (payment) => outcomeOf(await facilitator.settle(payment as FacilitatorRequest)),
};

let api: TestApi;
beforeAll(async () => {
  api = await testApi({}, { till });
});
beforeEach(() => {
  says = 'settled';
});
afterEach(async () => expect(await ledger.verifyLedger(api.composition.core.db)).toEqual([]));
afterAll(() => closeBalanced(api));

const newPayer = () => {
  const privateKey = generatePrivateKey();
  const account = privateKeyToAccount(privateKey);
  const dev = { api: { url: api.url }, buyer: { privateKey } };
  const clock = api.clock;
  return {
    account,
    authorize: (amount: string, key?: string, asIntent = true) =>
      authorizeByX402(dev, { amount, key, asIntent, clock }),
    fund: (amount: string, key?: string) => fundByX402(dev, { amount, key, asIntent: true, clock }),
  };
};

async function newGateway() {
  const { body } = await api.http
    .post('/admin/gateways')
    .set('x-admin-key', ADMIN_KEY)
    .send({ name: 'Acme' });
  const { gateway_id: id, gateway_key: key } = body as { gateway_id: string; gateway_key: string };
  const post = async (path: string, sent: object) => {
    const { status, body: said } = await api.http.post(path).set('x-gateway-key', key).send(sent);
    return { status, body: said as Record<string, unknown> };
  };
  return {
    id,
    key,
    complete: (authorization_id: string, more: object = {}) =>
      post('/billing/complete', { authorization_id, usage: { tokens: 1234 }, ...more }),
    async claim({ address, signMessage }: ReturnType<typeof privateKeyToAccount>) {
      const message = `AgentPay: gateway ${id} claims ${address.toLowerCase()}`;
      return post('/gateway/addresses', { address, signature: await signMessage({ message }) });
    },
    async available() {
      const { body: shown } = await api.http.get('/gateway/balance').set('x-gateway-key', key).expect(200);
      return (shown as { available_usdc: string }).available_usdc;
    },
    get: (path: string) => api.http.get(path).set('x-gateway-key', key),
  };
}

const authorized = { authorization_id: expect.stringMatching(/^auth_/), status: 'authorized' };

describe('an authorization that is paid by x402', () => {
  it('is asked for with a 402 for the amount of the body', async () => {
    const offer = await api.http
      .post('/billing/authorize')
      .send({ amount_usdc: '12.00', memo: 'agent call' });
    expect(offer.status).toBe(402);
    const header = Buffer.from(offer.get('payment-required') ?? '', 'base64').toString();
    expect(JSON.parse(header)).toMatchObject({
      accepts: [{ amount: '12000000', asset: baseSepolia.usdc.address, payTo: till.payTo }],
    });
    expect(offer.get('x-ratelimit-limit')).toBeDefined();
  });

  it.each([
    ['no memo', { amount_usdc: '12.00' }, 'INVALID_REQUEST'],
    ['no amount', { memo: 'agent call' }, 'INVALID_REQUEST'],
    ['an amount of nothing', { amount_usdc: '0', memo: 'agent call' }, 'INVALID_AMOUNT'],
    ['an amount below zero', { amount_usdc: '-1', memo: 'agent call' }, 'INVALID_AMOUNT'],
  ])('is refused with %s before anything is paid', async (_, body, code) => {
    const refused = await api.http.post('/billing/authorize').send(body);
    expect([refused.status, refused.body]).toMatchObject([400, { code }]);
  });

  it('is refused beside a key that is none', async () => {
    const body = { amount_usdc: '12.00', memo: 'agent call' };
    const refused = await api.http
      .post('/billing/authorize')
      .set('x-gateway-key', 'gw_live_000000000000000000000000')
      .send(body);
    expect([refused.status, refused.body]).toMatchObject([401, { code: 'AUTH_FAILED' }]);
  });

  it.each([true, false])(
    'is completed by the gateway whose key came along, and nobody else; intent: %s',
    async (asIntent) => {
      const [payer, gateway, stranger] = [newPayer(), await newGateway(), await newGateway()];
      const held = await payer.authorize('12.00', gateway.key, asIntent);
      expect(held).toMatchObject(authorized);
      expect(Date.parse(held.expires_at)).toBeGreaterThan(api.clock.now());
      const { authorization_id: id } = held;
      expect(await stranger.complete(id)).toMatchObject({
        status: 404,
        body: { code: 'AUTHORIZATION_NOT_FOUND' },
      });
      expect(await gateway.complete(id, { amount_usdc: '12.01' })).toMatchObject({
        status: 400,
        body: { code: 'INVALID_AMOUNT' },
      });
      const done = await gateway.complete(id, { amount_usdc: '8.00' });
      expect(done).toMatchObject({
        status: 200,
        body: { receipt_id: expect.stringMatching(/^rcpt_/), status: 'settled', amount_usdc: '8.00' },
      });
      expect(await gateway.complete(id, { amount_usdc: '8.00' })).toEqual(done);
      expect(await gateway.available()).toBe('7.60');
      const receipt = await gateway.get(`/receipts/${String(done.body['receipt_id'])}`).expect(200);
      expect(receipt.body).toMatchObject({
        amount_usdc: '8.00',
        line_items: [{ desc: 'agent call', amount: '8.00' }],
        authorization_id: id,
      });
      await stranger.get(`/receipts/${String(done.body['receipt_id'])}`).expect(404);
      // The rest is the payer's: whoever has their signature receives it.
      expect((await stranger.claim(payer.account)).body).toMatchObject({ received_usdc: '4.00' });
    },
  );

  it('without a key is completed by the gateway that has bound the address', async () => {
    const [payer, gateway] = [newPayer(), await newGateway()];
    await payer.fund('5.00', gateway.key);
    const { authorization_id: id } = await payer.authorize('12.00');
    expect(await gateway.complete(id)).toMatchObject({ status: 200, body: { amount_usdc: '12.00' } });
    expect(await gateway.available()).toBe('16.40');
  });

  it('of an address that nobody has bound is completed by nobody until a gateway claims it with a signature', async () => {
    const [payer, gateway, stranger] = [newPayer(), await newGateway(), await newGateway()];
    const { authorization_id: id } = await payer.authorize('12.00');
    for (const other of [stranger, gateway]) expect(await other.complete(id)).toMatchObject({ status: 404 });
    expect((await gateway.claim(payer.account)).body).toMatchObject({ received_usdc: '0.00' });
    expect(await stranger.complete(id)).toMatchObject({ status: 404 });
    expect(await gateway.complete(id)).toMatchObject({ status: 200, body: { status: 'settled' } });
    expect(await gateway.available()).toBe('11.40');
  });

  it('that is not completed in time returns to the payer', async () => {
    const [payer, gateway] = [newPayer(), await newGateway()];
    const { authorization_id: id, expires_at } = await payer.authorize('12.00', gateway.key);
    api.clock.advance(Date.parse(expires_at) - api.clock.now() + 1_000);
    const late = () => gateway.complete(id);
    expect(await late()).toMatchObject({ status: 409, body: { code: 'AUTHORIZATION_WRONG_STATE' } });
    await billing.expireAuthorizations(api.composition.core);
    expect(await late()).toMatchObject({ status: 409 });
    expect((await gateway.claim(payer.account)).body).toMatchObject({ received_usdc: '12.00' });
  });

  it('is not made of a payment that was refused', async () => {
    const [payer, gateway] = [newPayer(), await newGateway()];
    says = 'refused';
    await expect(payer.authorize('12.00', gateway.key)).rejects.toThrow();
    says = 'settled';
    expect((await gateway.claim(payer.account)).body).toMatchObject({ received_usdc: '0.00' });
  });
});

describe('a payment whose process died before it heard of it', () => {
  const settleLeft = () => gateways.settleLeft(api.composition.core, { limit: 100 });
  let payments = 0;
  const note = async (gatewayId: string, authorize?: { memo: string }) => {
    const payer = privateKeyToAccount(generatePrivateKey()).address.toLowerCase();
    const reference = `${baseSepolia.id}:${payer}:${++payments}`;
    const expected = { reference, payer, network: baseSepolia.id, amount: 5_000_000n, payment: {} };
    const noted = () => gateways.expectPayment(api.composition.core, { ...expected, gatewayId, authorize });
    const first = await noted();
    expect(await noted()).toEqual(first);
    return { reference };
  };

  it('is asked for again, and buys what it was made for, once', async () => {
    const gateway = await newGateway();
    const { core } = api.composition;
    await note(gateway.id);
    const held = await note(gateway.id, { memo: 'agent call' });
    expect((await settleLeft()).done).toEqual({ credited: 0, failed: 0 });
    api.clock.advance(60_000);
    says = 'pending';
    expect((await settleLeft()).done).toEqual({ credited: 0, failed: 0 });
    says = 'settled';
    const done = await Promise.all([settleLeft(), settleLeft()]);
    expect(done.flatMap(({ failures }) => failures)).toEqual([]);
    expect((await settleLeft()).done).toEqual({ credited: 0, failed: 0 });
    expect(await gateway.available()).toBe('5.00');
    const { id } = await gateways.authorizedBy(core, held);
    expect(await gateway.complete(id)).toMatchObject({ status: 200, body: { amount_usdc: '5.00' } });
    expect(await gateway.available()).toBe('9.75');
  });

  it('and that was never made is given up; one that nobody can tell of stays', async () => {
    const gateway = await newGateway();
    const { core } = api.composition;
    const paid = await note(gateway.id);
    api.clock.advance(60_000);
    const settleChain = () => Promise.reject(new Error('away'));
    const broken = { ...core, ports: { ...core.ports, settleChain } };
    expect(await gateways.settleLeft(broken, { limit: 100 })).toMatchObject({
      done: { credited: 0, failed: 0 },
      failures: [{ error: new Error('away') }],
    });
    expect(await gateways.paidBy(core, paid)).toMatchObject({ status: 'processing' });
    says = 'refused';
    expect((await settleLeft()).done).toEqual({ credited: 0, failed: 1 });
    expect(await gateways.paidBy(core, paid)).toMatchObject({
      status: 'failed',
      failure: 'insufficient_funds',
    });
    const { id } = await gateways.paidBy(core, paid);
    await gateways.giveUp(core, { ...paid, failure: 'insufficient_funds' });
    expect(await events.history(core.db, { subject: id })).toMatchObject([
      {
        type: 'gateway.funding_failed',
        audience: [gateway.id],
        data: {
          funding_id: id,
          gateway_id: gateway.id,
          amount_usdc: '5',
          source: 'x402',
          status: 'failed',
        },
      },
    ]);
    says = 'settled';
    expect((await settleLeft()).done).toEqual({ credited: 0, failed: 0 });
    expect(await gateway.available()).toBe('0.00');
  });

  it('is met also behind one of which nothing is ever known', async () => {
    const gateway = await newGateway();
    const { core } = api.composition;
    const [silent, paid] = [await note(gateway.id), await note(gateway.id)];
    await core.db.query(
      `update gateway_chain_payments set payment = '"silent"' from gateway_fundings
       where id = funding_id and reference = $1`,
      [silent.reference],
    );
    api.clock.advance(60_000);
    const settleChain = async (payment: unknown) =>
      payment === 'silent' ? ({ status: 'unknown' } as const) : ({ status: 'settled' } as const);
    const knowing = { ...core, ports: { ...core.ports, settleChain } };
    const statusOf = async (of: typeof paid) => (await gateways.paidBy(core, of)).status;
    for (let run = 0; run < 100 && (await statusOf(paid)) !== 'settled'; run++)
      expect((await gateways.settleLeft(knowing, { limit: 1 })).failures).toEqual([]);
    expect([await statusOf(silent), await statusOf(paid)]).toEqual(['processing', 'settled']);
    await gateways.giveUp(core, { ...silent, failure: 'insufficient_funds' });
  });

  it('buys nothing else', async () => {
    const gateway = await newGateway();
    const { core } = api.composition;
    const payer = privateKeyToAccount(generatePrivateKey()).address.toLowerCase();
    const reference = `${baseSepolia.id}:${payer}:${++payments}`;
    const expected = { reference, payer, network: baseSepolia.id, amount: 5_000_000n, payment: {} };
    const authorize = { memo: 'agent call' };
    const kinds = [
      { gatewayId: gateway.id },
      { gatewayId: gateway.id, authorize },
      { gatewayId: undefined, authorize },
    ];
    await gateways.expectPayment(core, { ...expected, gatewayId: gateway.id, authorize: { memo: 'first' } });
    for (const kind of kinds)
      await expect(gateways.expectPayment(core, { ...expected, ...kind })).rejects.toMatchObject({
        kind: 'conflict',
        reason: 'payment_used_elsewhere',
      });
    says = 'refused';
    api.clock.advance(60_000);
    await settleLeft();
  });
});
