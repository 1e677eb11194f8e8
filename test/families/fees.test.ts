import { catalog, developers, gateways, ledger, parties, type Principal } from '@agentpay/core';
import { crashPorts } from '../flows/agreementBed.js';
import {
  authorize,
  balanceOf,
  closeBalanced,
  newAgent,
  newService,
  testApi,
  type TestApi,
} from './testApi.js';

/** A server whose fees are none of the defaults. */
let api: TestApi;

beforeAll(async () => {
  api = await testApi({
    PAYMENT_FEE: '1% + 0.01, at least 0.05',
    CALL_FEE: '10%',
    MARKETPLACE_FEE: '12.5%',
    DIRECT_FEE: '3.25% + 0.5, at least 0.75',
  });
});
afterAll(() => closeBalanced(api));

const operator: Principal = { party: parties.platform, scopes: [], credentialId: 'admin' };
const revenue = (account: string, asset: string) =>
  ledger.accountTotal(api.composition.core.db, { account, asset });

it.each([
  [1, 0.05],
  [10, 0.11],
])('a payment of %s costs its payer %s more', async (amount, fee) => {
  const [payer, payee] = [await newAgent(api, { funds: 100 }), await newAgent(api)];
  const body = { from_wallet_id: payer.wallet, to_wallet_id: payee.wallet, amount };
  const { body: paid } = await api.http.post('/v1/payments').set(payer.auth).send(body).expect(201);
  expect(paid).toMatchObject({ status: 'completed', fee });
  expect([await balanceOf(api, payer), await balanceOf(api, payee)]).toMatchObject([
    { available: 100 - amount - fee },
    { available: amount },
  ]);
});

it('a call that is paid by token leaves its provider the price less the share', async () => {
  const [buyer, seller] = [await newAgent(api, { funds: 1 }), await newAgent(api)];
  const service = await newService(api, seller, { price_per_call: 0.5 });
  const { token, token_id } = await authorize(api, buyer, service);
  const post = (path: string, body: object) => api.http.post(path).set(seller.auth).send(body).expect(200);
  await post('/v1/x402/verify', { token, service_id: service });
  for (const step of ['call-started', 'call-accepted', 'call-completed'])
    await post(`/v1/x402/tokens/${token_id}/${step}`, {});
  expect([await balanceOf(api, buyer), await balanceOf(api, seller)]).toEqual([
    { available: 0.5, held: 0 },
    { available: 0.45, held: 0 },
  ]);
});

it('the marketplace says its share, and takes just that of a call and of a bundle', async () => {
  const { core } = api.composition;
  Object.assign(core.ports, {
    endpoints: {
      assertAllowed: () => undefined,
      fetchOut: async (url: string) => ({ status: 200, headers: {}, body: Buffer.from('{}'), url }),
    },
  });
  const { developer } = await developers.register(core, { email: 'dev@example.com', name: 'Dev Co' });
  await developers.approve(core, { principal: operator, developerId: developer.id });
  const seller: Principal = {
    party: { id: developer.id, kind: 'developer' },
    scopes: [],
    credentialId: 'key',
  };
  const { id: listingId } = await catalog.create(core, {
    principal: seller,
    name: 'DataBot',
    category: 'analytics',
    endpointUrl: 'https://agent.example/run',
    methods: [{ name: 'summarize', price: 1_000_000n }],
  });
  await catalog.approve(core, { principal: operator, listingId });
  const { gateway } = await gateways.create(core, { principal: operator, name: 'Acme' });
  const principal: Principal = {
    party: { id: gateway.id, kind: 'gateway' },
    scopes: [],
    credentialId: 'key',
  };
  const postings = ledger.movements.faucetFund({
    walletId: gateway.walletId,
    asset: 'USDC',
    amount: 9_000_000n,
  });
  await core.db.tx((tx) => ledger.post(core, tx, { key: 'fund', kind: 'test', postings }));
  await gateways.provision(core, { principal, listingId, quota: 5_000_000n });
  const call = await gateways.queue(core, { principal, listingId, input: { task: 'summarize' } });
  await gateways.run(core, { callId: call.id });
  expect(await developers.earnings(core, { principal: seller })).toMatchObject({
    total: 875_000n,
    available: 875_000n,
  });
  expect(await revenue(ledger.REVENUE_MARKET, 'USDC')).toBe(125_000n);
  const { body } = await api.http.get('/marketplace/revenue-rules').expect(200);
  expect(body).toMatchObject({ platform_fee_pct: 12.5 });
});

it('a direct purchase is offered with the fee, and with how it comes about', async () => {
  Object.assign(
    api.composition.core.ports,
    crashPorts(() => () => Promise.reject(new Error('Nothing is signed here.'))),
  );
  const ask = (cents: number) =>
    api.http.get(`/payment-requirements?amount_cents=${cents}&rail=stablecoin`).expect(200);
  const terms = { percent: '3.25', fixed: '0.50', minimum: '0.75' };
  expect((await ask(100)).body).toMatchObject({ fee: { amount: '0.75', ...terms }, total: '1.75' });
  expect((await ask(10_000)).body).toMatchObject({ fee: { amount: '3.75', ...terms }, total: '103.75' });
});
