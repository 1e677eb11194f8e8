import { agreements, disputes } from '@agentpay/core';
import { balanceOf, closeBalanced, newAgent, newService, testApi, type TestApi } from '../testApi.js';
import { ADMIN_KEY } from '../testApi.js';
import { agreed, type Agreed, type Stage } from './bilateral.js';

/** The document's workflows 1 to 3 over HTTP, with money of the sandbox. */
let api: TestApi;

beforeAll(async () => {
  api = await testApi({ CHALLENGE_WINDOW_SECONDS: '60' });
});
afterAll(() => closeBalanced(api));

const TERMS = { cap: '1.00', unit_price: '0.01' };
const made = (stage: Stage, terms: object = TERMS) => agreed({ api }, stage, { terms });

async function call(
  method: 'get' | 'put' | 'post',
  { id }: Agreed,
  verb: string,
  auth: object,
  body: object = {},
) {
  const request = api.http[method](`/usage-agreements/${id}${verb && `/${verb}`}`).set(
    auth as Record<string, string>,
  );
  return method === 'get' ? request : request.send(body);
}

const shown = async (of: Agreed) => (await call('get', of, 'escrow-status', of.buyer.auth)).body;

async function afterWindow(): Promise<void> {
  api.clock.advance(60_000);
  await agreements.work(api.composition.core, { limit: 1000 });
}

describe('an agreement in the sandbox', () => {
  it('derives its terms from the service', async () => {
    const of = await made('proposed', {});
    const { body } = await call('get', of, '', of.seller.auth);
    expect(body).toMatchObject({
      status: 'proposed',
      cap: '0.50',
      remaining: '0.50',
      terms: { unit_price: '0.005', unit: 'call', currency: 'USD', challenge_window_seconds: 60 },
    });
  });

  it('pays what was used after the challenge window and gives the rest back', async () => {
    const of = await made('accepted');
    const { body: toSign } = await call('get', of, 'activation-package', of.buyer.auth);
    expect(toSign).toMatchObject({ agreement_id: of.id, infra_fee: { pending: false } });
    expect((await call('post', of, 'activate-escrow', of.buyer.auth)).status).toBe(202);
    expect(await balanceOf(api, of.buyer)).toEqual({ available: 99, held: 0 });
    for (const event_id of ['a', 'b', 'a'])
      expect((await call('post', of, 'record-usage', of.seller.auth, { units: 10, event_id })).status).toBe(
        200,
      );
    expect(await shown(of)).toMatchObject({ status: 'active', cap: '1.00', used: '0.20', remaining: '0.80' });
    expect((await call('post', of, 'complete', of.buyer.auth)).body.status).toBe('challenge_window');
    expect(await balanceOf(api, of.seller)).toEqual({ available: 0, held: 0 });
    await afterWindow();
    expect(await shown(of)).toMatchObject({ status: 'settled' });
    expect(await balanceOf(api, of.seller)).toEqual({ available: 0.2, held: 0 });
    expect(await balanceOf(api, of.buyer)).toEqual({ available: 99.8, held: 0 });
    const { body } = await call('get', of, 'history', of.seller.auth);
    expect(body.history.map(({ status }: { status: string }) => status)).toEqual([
      'proposed',
      'accepted',
      'submitting',
      'active',
      'challenge_window',
      'settling',
      'settled',
    ]);
  });

  it('ends its usage by the cap, and never counts more', async () => {
    const of = await made('active');
    const refused = await call('post', of, 'record-usage', of.seller.auth, { units: 101 });
    expect([refused.status, refused.body.code]).toEqual([409, 'usage_exhausted']);
    const last = await call('post', of, 'record-usage', of.seller.auth, { units: 100 });
    expect(last.body).toMatchObject({ status: 'challenge_window', used: '1.00', remaining: '0.00' });
    const late = await call('post', of, 'record-usage', of.seller.auth, { units: 1 });
    expect([late.status, late.body.code]).toEqual([409, 'agreement_wrong_state']);
  });

  it('ends its usage when its term ends', async () => {
    const ends_at = new Date(api.clock.now() + 5_000).toISOString();
    const of = await made('active', { ...TERMS, ends_at });
    api.clock.advance(5_000);
    const late = await call('post', of, 'record-usage', of.seller.auth, { units: 1 });
    expect([late.status, late.body.error.reason]).toEqual([409, 'term_over']);
    await agreements.work(api.composition.core, { limit: 1000 });
    expect((await shown(of)).status).toBe('challenge_window');
  });

  it('that cannot be moved holds up no other, and is tried again', async () => {
    const ends_at = new Date(api.clock.now() + 5_000).toISOString();
    const stuck = await made('active', { ...TERMS, ends_at });
    api.clock.advance(1);
    const whole = await made('active', { ...TERMS, ends_at });
    api.clock.advance(5_000);
    const { core } = api.composition;
    const run: typeof core.batch.run = (command) =>
      command.lane === stuck.id ? Promise.reject(new Error('Stuck.')) : core.batch.run(command);
    const one = () => agreements.work({ ...core, batch: { ...core.batch, run } }, { limit: 1 });
    const failed = { done: { moved: 0 }, failures: [{ subject: stuck.id, error: new Error('Stuck.') }] };
    expect(await one()).toEqual(failed);
    expect(await one()).toEqual({ done: { moved: 1 }, failures: [] });
    const statuses = async () => [(await shown(stuck)).status, (await shown(whole)).status];
    expect(await statuses()).toEqual(['active', 'challenge_window']);
    api.clock.advance(1_000);
    expect(await agreements.work(core, { limit: 1 })).toMatchObject({ done: { moved: 1 } });
    expect(await statuses()).toEqual(['challenge_window', 'challenge_window']);
  });

  it.each([
    ['refund', {}, 99, 0],
    ['refund', { refund_amount: 0.05 }, 98.95, 0.05],
    ['deny', {}, 98.9, 0.1],
  ])('splits by the decision %s %j of a challenge', async (resolution, part, available, paid) => {
    const buyer = await newAgent(api, { name: 'Buyer', funds: 99 });
    const of = await agreed({ api }, 'active', { terms: TERMS, buyer });
    await call('post', of, 'record-usage', of.seller.auth, { units: 10 });
    await call('post', of, 'complete', of.seller.auth);
    const challenged = await call('post', of, 'challenge', of.buyer.auth, { reason: 'calls_failed' });
    expect(challenged.body).toMatchObject({ status: 'challenged', dispute_id: expect.any(String) });
    await afterWindow();
    expect((await shown(of)).status).toBe('challenged');
    const decide = (body: object) =>
      api.http
        .post(`/v1/disputes/${challenged.body.dispute_id as string}/resolve`)
        .set('x-admin-key', ADMIN_KEY)
        .send(body);
    expect((await decide({ resolution: 'refund', refund_amount: 0.11 })).status).toBe(400);
    const decided = await decide({ resolution, ...part });
    expect([decided.status, decided.body.agreement_id]).toEqual([200, of.id]);
    expect((await shown(of)).status).toBe('settled');
    expect(await balanceOf(api, of.buyer)).toEqual({ available, held: 0 });
    expect(await balanceOf(api, of.seller)).toEqual({ available: paid, held: 0 });
  });

  it('pays the seller when the buyer withdraws the challenge', async () => {
    const of = await made('active');
    await call('post', of, 'record-usage', of.seller.auth, { units: 1 });
    await call('post', of, 'complete', of.buyer.auth);
    const { body } = await call('post', of, 'challenge', of.buyer.auth, { reason: 'calls_failed' });
    const { core } = api.composition;
    const principal = { party: { id: of.buyer.id, kind: 'agent' as const }, scopes: [], credentialId: 'x' };
    await disputes.withdraw(core, { principal, disputeId: body.dispute_id as string });
    expect(await balanceOf(api, of.seller)).toEqual({ available: 0.01, held: 0 });
  });

  it('refuses the other side, and what has no place in its state', async () => {
    const of = await made('proposed');
    const refusals = async (auth: object, verbs: ['put' | 'post', string, object?][]) =>
      Promise.all(
        verbs.map(async ([method, verb, body]) => {
          const { status, body: response } = await call(method, of, verb, auth, body);
          return [verb, status, response.code];
        }),
      );
    expect(
      await refusals(of.buyer.auth, [
        ['put', 'accept'],
        ['put', 'reject'],
        ['post', 'activate-escrow'],
        ['post', 'complete'],
        ['post', 'record-usage'],
        ['post', 'challenge', { reason: 'x' }],
      ]),
    ).toEqual([
      ['accept', 403, 'forbidden'],
      ['reject', 403, 'forbidden'],
      ['activate-escrow', 409, 'agreement_wrong_state'],
      ['complete', 409, 'agreement_wrong_state'],
      ['record-usage', 403, 'forbidden'],
      ['challenge', 409, 'agreement_wrong_state'],
    ]);
    expect(
      await refusals(of.seller.auth, [
        ['post', 'activate-escrow'],
        ['post', 'challenge', { reason: 'x' }],
        ['post', 'record-usage'],
      ]),
    ).toEqual([
      ['activate-escrow', 403, 'forbidden'],
      ['challenge', 403, 'forbidden'],
      ['record-usage', 409, 'agreement_wrong_state'],
    ]);
  });

  it('expires as a proposal, and gives the limits of the buyer back', async () => {
    const of = await made('proposed');
    api.clock.advance(7 * 24 * 3_600_000);
    const late = await call('put', of, 'accept', of.seller.auth);
    expect([late.status, late.body.error.reason]).toEqual([409, 'expired']);
    await agreements.work(api.composition.core, { limit: 1000 });
    expect((await shown(of)).status).toBe('expired');
    expect((await call('put', of, 'accept', of.seller.auth)).status).toBe(409);
  });

  it('refuses terms that cannot be', async () => {
    const seller = await newAgent(api);
    const service_id = await newService(api, seller);
    const propose = (by: { auth: object }, terms: object) =>
      api.http
        .post('/usage-agreements')
        .set(by.auth as Record<string, string>)
        .send({ service_id, terms });
    expect((await propose(seller, {})).body.error.param).toBe('service_id');
    const buyer = await newAgent(api, { funds: 1 });
    for (const [terms, param] of [
      [{ cap: '0.001' }, 'terms.cap'],
      [{ cap: '-1' }, 'terms.cap'],
      [{ unit_price: '0' }, 'terms.unit_price'],
      [{ ends_at: '2020-01-01T00:00:00Z' }, 'terms.ends_at'],
      [{ challenge_window_seconds: -1 }, 'terms.challenge_window_seconds'],
      [{ sla_seconds: 0 }, 'terms.sla_seconds'],
    ] as const) {
      const refused = await propose(buyer, terms);
      expect([refused.status, refused.body.error.param]).toEqual([400, param]);
    }
  });

  it('is not activated without the money, and can be later', async () => {
    const buyer = await newAgent(api, { name: 'Poor' });
    const of = await agreed({ api }, 'accepted', { terms: TERMS, buyer });
    const refused = await call('post', of, 'activate-escrow', of.buyer.auth);
    expect([refused.status, refused.body.code]).toEqual([402, 'insufficient_funds']);
    expect((await shown(of)).status).toBe('accepted');
    await api.http
      .post(`/v1/wallets/${buyer.wallet}/fund`)
      .set(buyer.auth)
      .send({ amount: 1, source: 'test_faucet' })
      .expect(200);
    expect((await call('post', of, 'activate-escrow', of.buyer.auth)).body.status).toBe('active');
  });
});
