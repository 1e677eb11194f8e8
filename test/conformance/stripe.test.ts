import { payments, payouts } from '@agentpay/core';
import { reconcileBooks } from '@agentpay/server';
import { ADMIN_KEY, newAgent, testApi, type TestAgent, type TestApi } from '../families/testApi.js';
import { SECRET_KEY, stripeStandIn, type StripeFault, type StripeStandIn } from './stripeStandIn.js';

const DAY_MS = 24 * 60 * 60 * 1000;

let stripe: StripeStandIn;
let api: TestApi;
let agent: TestAgent;

beforeAll(async () => {
  stripe = await stripeStandIn();
  api = await testApi({
    STRIPE_API_URL: stripe.url,
    STRIPE_SECRET_KEY: SECRET_KEY,
    STRIPE_CUSTOMER: 'cus_1',
    STRIPE_PAYMENT_METHOD: 'pm_1',
  });
});
beforeEach(async () => {
  stripe.faults.length = 0;
  stripe.charges.length = 0;
  stripe.transfers.length = 0;
  stripe.refunds.length = 0;
  stripe.refunding.outcome = 'succeeded';
  stripe.intents.clear();
  stripe.card.outcome = 'succeeded';
  agent = await newAgent(api, { funds: 100 });
});
afterEach(() => expect(stripe.faults).toEqual([]));
afterAll(async () => {
  await api.close();
  await stripe.close();
});

type Body = Record<string, unknown>;
const post = async (path: string, body: Body) =>
  (await api.http
    .post(path)
    .set(agent.auth)
    .send({ from_wallet_id: agent.wallet, ...body })) as {
    status: number;
    body: Body;
  };
const pay = (fields: Body = {}) =>
  post('/v1/payments', { to_external: 'acct_shop', amount: 5, rail: 'stripe', ...fields });
const payOut = (fields: Body = {}) =>
  post('/v1/payouts', {
    amount: 20,
    destination_type: 'stripe',
    destination: { account_id: 'acct_own' },
    ...fields,
  });
const read = async (path: string) => (await api.http.get(path).set(agent.auth).expect(200)).body as Body;
const balance = () => read(`/v1/wallets/${agent.wallet}/balance`);

/** Works what is due as often as it takes, with the clock on. */
async function work(times = 1): Promise<void> {
  for (let n = 0; n < times; n++) {
    await payments.progress(api.composition.core, { limit: 10 });
    await payments.progressRefunds(api.composition.core, { limit: 10 });
    await payouts.work(api.composition.core, { limit: 10 });
    api.clock.advance(130_000);
  }
}

/** Each fault, at each request of the way. */
const unknowns = (paths: readonly string[]): StripeFault[] =>
  paths.flatMap((path) => (['lost', 429, 500, 401] as const).map((does) => ({ path, does })));

describe('payments', () => {
  it('are charged once, and arrive', async () => {
    const made = await pay();
    expect(made).toMatchObject({ status: 201, body: { status: 'authorized' } });
    await work();
    const [intent] = [...stripe.intents.values()];
    expect(intent).toMatchObject({ amount: '500', destination: 'acct_shop', status: 'succeeded' });
    const receipt = await read(`/v1/payments/${made.body['id'] as string}`);
    expect(receipt).toMatchObject({ status: 'completed', reference: intent?.id });
    expect(await balance()).toMatchObject({ available: 94.98, held: 0 });
  });

  it.each(unknowns(['POST .*payment_intents$', 'POST .*confirm$', 'GET .*payment_intents']))(
    'that meet %j never fail and are charged once',
    async (fault) => {
      stripe.faults.push(fault);
      const made = await pay();
      await work();
      expect((await read(`/v1/payments/${made.body['id'] as string}`))['status']).not.toBe('failed');
      await work(3);
      expect(await read(`/v1/payments/${made.body['id'] as string}`)).toMatchObject({ status: 'completed' });
      expect(stripe.charges).toHaveLength(1);
      expect(await balance()).toMatchObject({ available: 94.98, held: 0 });
    },
  );

  it.each(['requires_payment_method', 'requires_action'])(
    'whose card ends in %s give the money back, and can never be charged',
    async (outcome) => {
      stripe.card.outcome = outcome;
      const made = await pay();
      await work();
      expect((await read(`/v1/payments/${made.body['id'] as string}`))['status']).toBe('failed');
      expect([...stripe.intents.values()].map(({ status }) => status)).toEqual(['canceled']);
      expect(await balance()).toMatchObject({ available: 100, held: 0 });
    },
  );

  it('under way wait for the card', async () => {
    stripe.card.outcome = 'processing';
    const made = await pay();
    await work(2);
    expect((await read(`/v1/payments/${made.body['id'] as string}`))['status']).toBe('settling');
    for (const intent of stripe.intents.values()) intent.status = 'succeeded';
    await work(2);
    expect((await read(`/v1/payments/${made.body['id'] as string}`))['status']).toBe('completed');
  });

  it('that are unknown for a day are canceled before they fail, and can never be charged', async () => {
    stripe.faults.push({ path: 'POST .*confirm$', does: 500 });
    const path = `/v1/payments/${(await pay()).body['id'] as string}`;
    await work();
    expect(await read(path)).toMatchObject({ status: 'submitted' });
    api.clock.advance(DAY_MS);
    stripe.faults.push({ path: 'POST .*cancel$', does: 500 });
    await work();
    expect(await read(path)).toMatchObject({ status: 'submitted' });
    expect(await balance()).toMatchObject({ held: 5.02 });
    await work(3);
    expect(await read(path)).toMatchObject({ status: 'failed', failure: 'given_up' });
    expect([...stripe.intents.values()].map(({ status }) => status)).toEqual(['canceled']);
    expect([stripe.charges, (await balance())['available']]).toEqual([[], 100]);
  });

  it('that the card works on for days are not given up', async () => {
    stripe.card.outcome = 'processing';
    const path = `/v1/payments/${(await pay()).body['id'] as string}`;
    await work();
    api.clock.advance(3 * DAY_MS);
    await work(3);
    expect(await read(path)).toMatchObject({ status: 'settling' });
    for (const intent of stripe.intents.values()) intent.status = 'succeeded';
    await work(3);
    expect(await read(path)).toMatchObject({ status: 'completed' });
  });

  it('to an account that Stripe does not know fail', async () => {
    const made = await pay({ to_external: 'acct_gone' });
    await work();
    const receipt = await read(`/v1/payments/${made.body['id'] as string}`);
    expect(receipt).toMatchObject({ status: 'failed', failure: 'account_invalid' });
    expect(await balance()).toMatchObject({ available: 100, held: 0 });
  });
});

describe('refunds', () => {
  const refund = async (id: unknown, body: Body = {}) =>
    (
      await api.http
        .post(`/v1/payments/${String(id)}/refund`)
        .set('x-admin-key', ADMIN_KEY)
        .send(body)
    ).body as Body;
  async function paid(): Promise<string> {
    const { body } = await pay();
    await work();
    return body['id'] as string;
  }

  it.each([undefined, ...unknowns(['POST .*refunds$', 'GET .*refunds'])])(
    'that meet %j are made once, and the money is in the wallet again',
    async (fault) => {
      const id = await paid();
      if (fault) stripe.faults.push(fault);
      expect(await refund(id)).toMatchObject({ refunding_amount: 5, refunded_amount: 0 });
      await work(4);
      expect(await read(`/v1/payments/${id}`)).toMatchObject({ status: 'refunded', refunding_amount: 0 });
      expect(stripe.refunds).toMatchObject([{ amount: 500, reverse_transfer: 'true' }]);
      expect(await balance()).toMatchObject({ available: 99.98, held: 0 });
    },
  );

  it('in part leave the rest, and wait while Stripe does', async () => {
    const id = await paid();
    stripe.refunding.outcome = 'pending';
    await refund(id, { amount: 2 });
    await work(2);
    expect(await read(`/v1/payments/${id}`)).toMatchObject({ refunding_amount: 2, refunded_amount: 0 });
    for (const each of stripe.refunds) each.status = 'succeeded';
    await work(2);
    const receipt = await read(`/v1/payments/${id}`);
    expect(receipt).toMatchObject({ status: 'completed', refunding_amount: 0, refunded_amount: 2 });
    expect(await balance()).toMatchObject({ available: 96.98, held: 0 });
  });

  it('that Stripe could not make leave the payment as it was', async () => {
    const id = await paid();
    stripe.refunding.outcome = 'failed';
    await refund(id);
    await work();
    const receipt = await read(`/v1/payments/${id}`);
    expect(receipt).toMatchObject({ status: 'completed', refunding_amount: 0, refunded_amount: 0 });
    expect(await balance()).toMatchObject({ available: 94.98, held: 0 });
  });

  it('of parts of a cent, or to somewhere else, are refused', async () => {
    const id = await paid();
    expect(await refund(id, { amount: 0.005 })).toMatchObject({ error: { reason: 'invalid_amount' } });
    expect(await refund(id, { to_external: 'acct_x' })).toMatchObject({ error: { param: 'to_external' } });
    expect(stripe.refunds).toEqual([]);
  });
});

describe('payouts', () => {
  it.each([undefined, ...unknowns(['POST .*transfers$', 'GET .*transfers'])])(
    'that meet %j arrive once',
    async (fault) => {
      if (fault) stripe.faults.push(fault);
      const made = await payOut();
      await work(4);
      const payout = await read(`/v1/payouts/${made.body['id'] as string}`);
      expect(payout).toMatchObject({ status: 'completed', reference: 'tr_1' });
      expect(stripe.transfers).toMatchObject([{ amount: '2000', destination: 'acct_own' }]);
      expect(await balance()).toMatchObject({ available: 80, held: 0 });
    },
  );

  it('to an account that Stripe does not know give the money back', async () => {
    const made = await payOut({ destination: { account_id: 'acct_gone' } });
    await work();
    expect(await read(`/v1/payouts/${made.body['id'] as string}`)).toMatchObject({ status: 'failed' });
    expect(await balance()).toMatchObject({ available: 100, held: 0 });
  });

  it.each([undefined, ...unknowns(['GET .*transfers/tr_1$'])])(
    'whose transfer is reversed come back once, also when it is asked for and %j is met',
    async (fault) => {
      const made = await payOut();
      await work();
      const payout = () => read(`/v1/payouts/${made.body['id'] as string}`);
      expect(await payout()).toMatchObject({ status: 'completed' });
      for (const transfer of stripe.transfers) transfer.reversed = true;
      if (fault) stripe.faults.push(fault);
      await work(4);
      expect(await payout()).toMatchObject({ status: 'returned', failure: 'transfer_reversed' });
      expect(await balance()).toMatchObject({ available: 100, held: 0 });
    },
  );
});

describe('agentpay ledger reconcile', () => {
  it('compares charges, refunds and transfers with the books, and names each that differs', async () => {
    const differences = () => reconcileBooks(api.composition.core);
    const { core } = api.composition;
    // What other tests left is no longer at Stripe.
    await core.db.exec("delete from payouts; delete from payment_refunds; update payments set rail = 'old'");
    const [{ body: first }, { body: second }] = [await pay(), await pay({ amount: 7 })];
    await payOut();
    await work(4);
    await api.http
      .post(`/v1/payments/${String(first['id'])}/refund`)
      .set('x-admin-key', ADMIN_KEY)
      .send({ amount: 2 })
      .expect(200);
    await work(2);
    expect(await differences()).toEqual([]);

    for (const transfer of stripe.transfers) transfer.reversed = true;
    expect(await differences()).toEqual([expect.stringContaining('under tr_1 the books have 20')]);
    await work(6);
    expect(await differences()).toEqual([]);

    const [intent] = [...stripe.intents.values()].filter(({ amount }) => amount === '700');
    stripe.charges.push(intent?.id as string);
    const [row] = await core.db.query<{ id: string }>(
      `select id from ledger_journals where key = (select hold_id || ':close' from payments where id = $1)`,
      [second['id'] as string],
    );
    const named = `${String(second['id'])}; ${row?.id}`;
    expect(await differences()).toEqual([
      `stripe: under ${intent?.id} the books have 7 (${named}), the rail has 14.`,
    ]);
    stripe.charges.splice(stripe.charges.indexOf(intent?.id as string));
    stripe.refunds.push({
      ...(stripe.refunds[0] as (typeof stripe.refunds)[number]),
      id: 're_by_hand',
      amount: 100,
    });
    expect((await differences()).filter((line) => line.includes('re_by_hand'))).toEqual([
      'stripe: under re_by_hand the books have nothing, the rail has -1.',
    ]);
    stripe.faults.push({ path: 'balance_transactions', does: 500 });
    expect(await differences()).toEqual([expect.stringContaining('the rail could not be asked')]);
  });
});

it.each([
  ['an address', () => pay({ to_external: '0x1234' })],
  ['parts of a cent', () => pay({ amount: 0.005 })],
  ['a payout of parts of a cent', () => payOut({ amount: 0.005 })],
])('%s: refused, and nothing is reserved', async (_, send) => {
  expect((await send()).status).toBe(400);
  expect(await balance()).toMatchObject({ available: 100, held: 0 });
});
