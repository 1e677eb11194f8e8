import { catalog, developers, gateways, ledger, parties, type Core } from '@agentpay/core';
import { OutboundError, type Db, type FetchOut, type SqlValue } from '@agentpay/primitives';
import { scratchDb } from '@agentpay/storage';
import fc from 'fast-check';
import { ownDb, testCore } from '../flows/market.js';
import { command, kindOf, playSequences } from './play.js';

/** Random histories of a gateway's fundings, quotas and calls, against what they ought to be. */
const operator = { party: parties.platform, scopes: [], credentialId: 'admin' };
const PRICES = { short: 1_000_001n, long: 3_000_000n } as const;
const feeOf = (price: bigint) => (price * 50_000n + 500_000n) / 1_000_000n;

type Method = keyof typeof PRICES;
type Ending = 'done' | 'refused' | 'down' | 'left';

interface ModelCall {
  readonly id: string;
  readonly key: string;
  readonly method: Method;
  readonly provision: number;
  status: 'queued' | 'completed' | 'failed';
}
interface ModelFunding {
  readonly id: string;
  readonly source: 'stripe' | 'x402';
  readonly reference: string;
  readonly amount: bigint;
  status: 'processing' | 'settled' | 'failed';
}
interface Model {
  available: bigint;
  held: bigint;
  quota: { limit: bigint; used: bigint; provision: number } | undefined;
  spent: bigint;
  earned: bigint;
  readonly calls: ModelCall[];
  readonly fundings: ModelFunding[];
}
type Real = Awaited<ReturnType<typeof openMarket>>;

let db: Awaited<ReturnType<typeof scratchDb>>;
let core: Core;
let ending: Ending = 'done';
let made = 0;

const fetchOut: FetchOut = async () => {
  if (ending === 'left') throw new OutboundError('aborted', 'no', true);
  const status = { done: 200, refused: 404, down: 503 }[ending];
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from('{}'), url: '' };
};

beforeAll(async () => {
  db = await ownDb();
  const endpoints = { assertAllowed: () => undefined, fetchOut };
  ({ core } = await testCore(db, { endpoints }));
});
afterAll(() => db.close());

/** A gateway without money and the only listing of a developer. */
async function openMarket() {
  const { developer } = await developers.register(core, { email: 'dev@example.com', name: 'Dev Co' });
  await developers.approve(core, { principal: operator, developerId: developer.id });
  const seller = { party: { id: developer.id, kind: 'developer' }, scopes: [], credentialId: 'key' } as const;
  const listing = await catalog.create(core, {
    principal: seller,
    name: 'DataBot',
    category: 'analytics',
    endpointUrl: 'https://agent.example/run',
    methods: Object.entries(PRICES).map(([name, price]) => ({ name, price })),
  });
  await catalog.approve(core, { principal: operator, listingId: listing.id });
  const { gateway } = await gateways.create(core, { principal: operator, name: 'Acme' });
  const principal = { party: { id: gateway.id, kind: 'gateway' }, scopes: [], credentialId: 'key' } as const;
  return { seller, listingId: listing.id, principal };
}

const pick = <T>(list: readonly T[], which: number) => list[which % list.length];

/** The money of a funding has come. */
function settle(model: Model, funding: ModelFunding): void {
  if (funding.status !== 'settled') model.available += funding.amount;
  funding.status = 'settled';
}

function fund(source: ModelFunding['source'], amount: bigint) {
  return command<Model, Real>(`fund by ${source} ${amount}`, async (model, { principal }) => {
    const reference = `payment-${++made}`;
    const payment = { reference, payer: `0x${made}`, network: 'base-sepolia', amount, payment: {} };
    const { id } =
      source === 'stripe'
        ? await gateways.fund(core, { principal, amount, source })
        : await gateways.expectPayment(core, { ...payment, gatewayId: principal.party.id });
    model.fundings.push({ id, source, reference, amount, status: 'processing' });
  });
}

function hear(which: number, news: 'succeed' | 'fail', times: number) {
  return command<Model, Real>(`hear of ${which}: ${news}, ${times} times`, async (model) => {
    const funding = pick(model.fundings, which);
    if (!funding) return;
    const { id: fundingId, source, reference } = funding;
    const event = { eventId: `evt_${++made}`, type: 'charge', fundingId, reference: undefined, news };
    const tell = (): Promise<unknown> => {
      if (source === 'stripe')
        return gateways.hear(core, { ...event, amount: undefined, failure: undefined });
      return news === 'succeed'
        ? gateways.credit(core, { reference })
        : gateways.giveUp(core, { reference, failure: 'refused' });
    };
    await Promise.all(Array.from({ length: times }, tell));
    if (news === 'succeed') settle(model, funding);
    else if (funding.status === 'processing') funding.status = 'failed';
  });
}

function provision(limit: bigint) {
  return command<Model, Real>(`provision ${limit}`, async (model, { principal, listingId }) => {
    await gateways.provision(core, { principal, listingId, quota: limit });
    model.quota = { limit, used: 0n, provision: ++made };
  });
}

function call(method: Method, again: number) {
  return command<Model, Real>(`call ${method}, again ${again}`, async (model, { principal, listingId }) => {
    const first = again > 0 ? pick(model.calls, again) : undefined;
    const key = first?.key ?? `key-${++made}`;
    const asked = { principal, listingId, method: first?.method ?? method, idempotencyKey: key };
    const queue = () => gateways.queue(core, { ...asked, input: {} });
    if (first) return void expect((await queue()).id).toBe(first.id);
    const price = PRICES[method];
    const { quota } = model;
    if (!quota || quota.used + price > quota.limit)
      return void expect(await kindOf(queue())).toBe('quota_exceeded');
    if (price > model.available) return void expect(await kindOf(queue())).toBe('insufficient_funds');
    const { id } = await queue();
    quota.used += price;
    model.available -= price;
    model.held += price;
    model.calls.push({ id, key, method, provision: quota.provision, status: 'queued' });
  });
}

function run(which: number, how: Ending) {
  return command<Model, Real>(`run ${which}: ${how}`, async (model) => {
    const one = pick(model.calls, which);
    if (!one) return;
    ending = how;
    await Promise.all([gateways.run(core, { callId: one.id }), gateways.run(core, { callId: one.id })]);
    if (one.status !== 'queued') return;
    const price = PRICES[one.method];
    model.held -= price;
    one.status = how === 'done' ? 'completed' : 'failed';
    if (how === 'done') {
      model.spent += price;
      model.earned += price - feeOf(price);
      return;
    }
    model.available += price;
    if (model.quota?.provision === one.provision) model.quota.used -= price;
  });
}

async function compare(model: Model, { principal, seller }: Real): Promise<void> {
  const cards = model.fundings.filter(({ source, status }) => source === 'stripe' && status === 'processing');
  const pending = cards.reduce((sum, { amount }) => sum + amount, 0n);
  const { available, held } = model;
  expect(await gateways.balance(core, principal)).toEqual({ available, held, pending });
  const [given] = await gateways.provisioned(core, principal);
  expect([given?.quota.quota, given?.quota.used]).toEqual([model.quota?.limit, model.quota?.used]);
  const completed = model.calls.filter(({ status }) => status === 'completed').length;
  const { amount, calls } = await gateways.usage(core, { principal });
  expect([amount, calls]).toEqual([model.spent, BigInt(completed)]);
  expect((await developers.earnings(core, { principal: seller })).total).toBe(model.earned);
  for (const { id, status } of model.fundings)
    expect(await gateways.getFunding(core, { principal, fundingId: id })).toMatchObject({ id, status });
  for (const { id, status } of model.calls)
    expect(await gateways.getCall(core, { principal, callId: id })).toMatchObject({ id, status });
}

const whole = fc.nat({ max: 20 });
const amount = fc.bigInt({ min: 1n, max: 12_000_000n });
const method = fc.constantFrom<Method>('short', 'long');
const source = fc.constantFrom<ModelFunding['source']>('stripe', 'x402');
const news = fc.constantFrom<'succeed' | 'fail'>('succeed', 'succeed', 'fail');
const how = fc.constantFrom<Ending>('done', 'done', 'refused', 'down', 'left');

it('fundings, quotas and calls of a gateway are what a simple account of them says, after any history', async () => {
  await playSequences<Model, Real>(
    [
      fc.tuple(source, amount).map((of) => fund(...of)),
      fc.tuple(whole, news, fc.integer({ min: 1, max: 3 })).map((of) => hear(...of)),
      amount.map(provision),
      fc.tuple(method, fc.oneof(fc.constant(0), whole)).map((of) => call(...of)),
      fc.tuple(whole, how).map((of) => run(...of)),
    ],
    {
      setUp: async () => ({
        model: {
          available: 0n,
          held: 0n,
          quota: undefined,
          spent: 0n,
          earned: 0n,
          calls: [],
          fundings: [],
        },
        real: await openMarket(),
      }),
      finish: compare,
      runs: 25,
    },
  );
  expect(await ledger.verifyLedger(db)).toEqual([]);
});

it('reports of a month read what was counted when each call ended, never the calls themselves', async () => {
  const { principal, seller, listingId } = await openMarket();
  const payment = {
    reference: 'reported',
    payer: '0x0',
    network: 'eip155:84532',
    amount: 5_000_000n,
    payment: {},
  };
  await gateways.expectPayment(core, { ...payment, gatewayId: principal.party.id });
  await gateways.credit(core, payment);
  await gateways.provision(core, { principal, listingId, quota: 5_000_000n });
  const { id } = await gateways.queue(core, { principal, listingId, method: 'short', input: {} });
  ending = 'done';
  await gateways.run(core, { callId: id });

  const statements: [text: string, params: readonly SqlValue[] | undefined][] = [];
  const query: Db['query'] = (text, params) => {
    statements.push([text, params]);
    return core.db.query(text, params);
  };
  const watched: Core = { ...core, db: { ...core.db, query } };
  const reports = {
    usage: await gateways.usage(watched, { principal }),
    earnings: await developers.earnings(watched, { principal: seller }),
    sla: await catalog.reliability(watched.db, { listingId, from: '2026-05-01', to: '2026-06-01' }),
  };
  expect(reports).toMatchObject({
    usage: { month: '2026-05', amount: PRICES.short, calls: 1n },
    earnings: { total: PRICES.short - feeOf(PRICES.short) },
    sla: { calls: 1 },
  });
  expect(statements.length).toBeGreaterThanOrEqual(3);
  expect(statements.filter(([text]) => /gateway_calls|ledger_(postings|journals)/.test(text))).toEqual([]);
  for (const [text, params] of statements) {
    const plan = await core.db.query<{ 'QUERY PLAN': string }>(`explain ${text}`, params);
    const scans = plan.map((row) => row['QUERY PLAN']).filter((line) => line.includes('Seq Scan'));
    expect([text, scans]).toEqual([text, []]);
  }
});
