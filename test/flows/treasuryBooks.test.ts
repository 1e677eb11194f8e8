import { ledger, payments, payouts } from '@agentpay/core';
import { baseSepolia, systemClock } from '@agentpay/primitives';
import { httpFacilitator } from '@agentpay/protocol';
import { createTreasury, reconcileBooks } from '@agentpay/server';
import { privateKeyToAddress } from 'viem/accounts';
import { ADMIN_KEY, newAgent, testApi, type TestApi } from '../families/testApi.js';
import { agentpayFacilitator } from '../interop/agentpayFacilitator.js';
import { newPayee, randomKey, startInteropStack, type InteropStack } from '../interop/stack.js';
import { contradictions } from '../stress/books.js';
import { fundByX402 } from './devGateway.js';

/** The treasury on a chain, by API and facilitator as they run: what comes in by x402, and what leaves. */
const CUSTODY = 'custody:base-sepolia:usdc';
const treasuryKey = randomKey();
const treasury = privateKeyToAddress(treasuryKey);

let stack: InteropStack;
let api: TestApi;
let facilitatorUrl: string;

beforeAll(async () => {
  stack = await startInteropStack();
  facilitatorUrl = await agentpayFacilitator(stack);
  api = await testApi(
    {
      TREASURY_KEY: treasuryKey,
      FACILITATOR_URL: facilitatorUrl,
      RPC_URLS: `base-sepolia=${stack.rpcUrl}`,
    },
    { startMs: Date.now(), reachable: true },
  );
});
afterAll(async () => {
  await api?.close();
  await stack?.close();
});
afterEach(async () => expect(await contradictions(api.composition.core.db)).toEqual([]));

const fund = (amount: string) =>
  fundByX402({ api: { url: api.url }, buyer: { privateKey: stack.buyerKey } }, { amount, asIntent: true });
const differences = () => reconcileBooks(api.composition.core);
const custody = () =>
  ledger.accountTotal(api.composition.core.db, { account: CUSTODY, asset: 'USDC' }).then((total) => -total);
const tool = async (name: string) =>
  (await api.http.post(`/admin/tools/${name}`).set({ 'x-admin-key': ADMIN_KEY }).send({}).expect(200))
    .body as { status: string; report: Record<string, number>; findings: string[] };

it('a gateway that is funded by x402 has its money in custody, which is what the treasury has', async () => {
  expect(await fund('2.00')).toMatchObject({ status: 'settled' });
  expect([await custody(), await stack.usdc(treasury)]).toEqual([2_000_000n, 2_000_000n]);
  expect(await differences()).toEqual([]);
});

it('payments by base-usdc and payouts to an address leave custody, exchanged one for one', async () => {
  const { core } = api.composition;
  const agent = await newAgent(api, { funds: 10 });
  const before = await custody();
  const post = (path: string, body: object) => api.http.post(path).set(agent.auth).send(body).expect(201);
  const paid = { from_wallet_id: agent.wallet, to_external: newPayee(), amount: 0.5, rail: 'base-usdc' };
  await post('/v1/payments', paid);
  const destination = { address: newPayee(), network: 'base' };
  await post('/v1/payouts', {
    from_wallet_id: agent.wallet,
    amount: 0.25,
    destination_type: 'crypto',
    destination,
  });
  for (let n = 0; n < 3; n++) {
    await payments.progress(core, { limit: 10 });
    await payouts.work(core, { limit: 10 });
    api.clock.advance(5_000);
  }
  expect((await custody()) - before).toBe(-750_000n);
  const exchanged = (asset: string) => ledger.accountTotal(core.db, { account: ledger.EXCHANGE, asset });
  expect([await exchanged('USD'), await exchanged('USDC')]).toEqual([750_000n, -750_000n]);
  expect(await differences()).toEqual([]);
});

it('what leaves the treasury without the books, or comes, is named until it is booked as its own', async () => {
  const facilitator = httpFacilitator({ url: facilitatorUrl });
  const own = createTreasury({
    privateKey: treasuryKey,
    network: baseSepolia,
    facilitator,
    clock: systemClock,
  });
  const sent = await own.send(
    await own.sign({ key: 'by hand', to: newPayee(), amount: 100_000n, since: Date.now() }),
  );
  const { reference } = sent as { reference: string };
  const booked = await custody();
  expect(await differences()).toEqual([
    expect.stringMatching(
      `^${CUSTODY}: the books have ${booked} USDC, its chain has ${booked - 100_000n}\\.`,
    ),
    `base-usdc: under ${reference} the books have nothing, the rail has 0.1.`,
  ]);
  expect(await tool('reconcile')).toMatchObject({ status: 'failed', report: { custody_differences: 2 } });

  await stack.fund(treasury, 5_000_000n);
  expect((await differences())[0]).toContain(`its chain has ${booked + 4_900_000n}.`);
  const adopting = await Promise.all([tool('adopt'), tool('adopt')]);
  const adopted = adopting.map(({ report }) => report['micro_usdc']);
  expect(adopted.sort()).toEqual([0, 4_900_000]);
  expect((await differences()).filter((line) => line.startsWith(CUSTODY))).toEqual([]);
});

it('a node that cannot be asked is no difference of the books', async () => {
  const { ports, ...core } = api.composition.core;
  const lost = ports.treasury && { ...ports.treasury, balance: async () => undefined };
  const said = await reconcileBooks({ ...core, ports: { ...ports, treasury: lost } });
  expect(said.filter((line) => line.startsWith(CUSTODY))).toEqual([
    expect.stringMatching(/the books have \d+ USDC; its chain could not be asked\./),
  ]);
});
