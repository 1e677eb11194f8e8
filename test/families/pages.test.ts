import type { Family } from '@agentpay/api';
import { webhooks } from '@agentpay/core';
import { newId, systemRandom } from '@agentpay/primitives';
import { callables, named, type Callable } from './calls.js';
import { newAgent } from './testApi.js';
import { newWorld, send, type Sent, type World } from './world.js';

/** Every list by pages, derived from its definition: a new list is covered by being defined. */
let world: World;

beforeAll(async () => {
  world = await newWorld();
});

afterAll(() => world.api.close());

const callable = (id: string) => callables.find(({ endpoint }) => endpoint.id === id) as Callable;

type Add = (sent: Sent) => unknown;

/** How a list is called, and what adds an item to it; where nothing is said, the noun's `create` does. */
interface Filled {
  readonly call?: () => Promise<Sent>;
  /** Endpoints whose calls do, or a function. */
  readonly add?: readonly string[] | Add;
}

let added = 0;

const byOperator = async (): Promise<Sent> => ({ headers: world.credential('admin') });

/** An agent of the user whose payments wait for approval, and what makes one wait. */
function waiting(path: 'id' | 'agent_id' | undefined): Filled {
  let auth: Record<string, string>;
  let from_wallet_id: string;
  return {
    async call() {
      const agent = await newAgent(world.api, { funds: 50, by: world.credential('session') });
      ({ auth, wallet: from_wallet_id } = agent);
      const rule = { agent_id: agent.id, kind: 'approval_over', amount: 1 };
      await world.api.http.post('/v1/policies').set(world.credential('admin')).send(rule).expect(201);
      return path
        ? { params: { [path]: agent.id }, headers: world.credential('session') }
        : { headers: auth };
    },
    async add() {
      const body = { from_wallet_id, to_external: `merchant:${++added}`, amount: 2 };
      await world.api.http.post('/v1/payments').set(auth).send(body).expect(403);
    },
  };
}

/** An agent of the user, and what makes it pay. */
function paying(): Filled {
  let payer: Awaited<ReturnType<typeof newAgent>>;
  return {
    async call() {
      payer = await newAgent(world.api, { funds: 50, by: world.credential('session') });
      return { params: { id: payer.id } };
    },
    async add() {
      const body = { from_wallet_id: payer.wallet, to_external: 'merchant:demo', amount: 1 };
      await world.api.http.post('/v1/payments').set(payer.auth).send(body).expect(201);
    },
  };
}

async function deliver({ params }: Sent): Promise<void> {
  const { id, webhook_id: webhookId } = params as { id: string; webhook_id: string };
  const principal = { party: { id, kind: 'agent' }, scopes: [], credentialId: 'none' } as const;
  await webhooks.sendTest(world.api.composition.core, { principal, webhookId });
}

/** What a policy of the organization stopped. */
async function logRefusal({ params }: Sent): Promise<void> {
  const { clock, composition } = world.api;
  const org = params?.['org_id'] as string;
  await composition.core.db.query(
    `insert into org_policy_logs (id, org_id, policy_id, rule_id, party_id, action, reason, cap, spent, created_at)
     select $1, $2, id, 'rule', 'somebody', 'enforced', 'monthly_usdc', 5, 5, $3 from org_policies where org_id = $2 limit 1`,
    [newId('policy_log', { clock, random: systemRandom }), org, new Date(clock.now())],
  );
}

/** What was given back to a payer whose payee had spent it. */
async function giveBack(): Promise<void> {
  const [payer, payee] = [await newAgent(world.api, { funds: 10 }), await newAgent(world.api)];
  const post = async (path: string, auth: Record<string, string>, body: object) =>
    (await world.api.http.post(path).set(auth).send(body)).body as { id: string };
  const paid = { from_wallet_id: payer.wallet, to_wallet_id: payee.wallet, amount: 1 };
  const { id: payment_id } = await post('/v1/payments', payer.auth, paid);
  const spent = { from_wallet_id: payee.wallet, to_external: 'merchant:demo', amount: 0.5 };
  await post('/v1/payments', payee.auth, spent);
  const reason = 'service_not_delivered';
  const { id } = await post('/v1/disputes', payer.auth, { payment_id, reason });
  await post(`/v1/disputes/${id}/resolve`, world.credential('admin'), { resolution: 'refund' });
}

const filled: Readonly<Record<string, Filled>> = {
  'runtime.agents.list': { add: () => newAgent(world.api, { by: world.credential('agent') }) },
  'runtime.approvals.list': waiting(undefined),
  'buyer.approvals.list': waiting('id'),
  'agreements.approvals.list': waiting('agent_id'),
  'runtime.claims.list': { call: byOperator, add: giveBack },
  'runtime.webhooks.deliveries': { add: ['runtime.webhooks.sendTest'] },
  'buyer.webhooks.deliveries': { add: deliver },
  'runtime.audit.list': { call: byOperator, add: ['gateway.gateways.create'] },
  'buyer.transactions.list': paying(),
  'pay.spendEvents.list': { add: ['pay.payments.create'] },
  'gateway.developers.list': { add: ['gateway.developers.register'] },
  'gateway.developers.payouts': {
    add: ['gateway.developers.setPayoutAccount', 'gateway.developers.payout'],
  },
  'gateway.listings.list': { add: ['gateway.listings.get'] },
  'gateway.gateways.discover': { add: ['gateway.listings.get'] },
  'gateway.versions.list': {
    add: ({ params }) =>
      send(world, callable('gateway.versions.add').endpoint, {
        ...(params && { params }),
        body: { version: `v1.${++added % 3}.${added}` },
      }),
  },
  'gateway.certifications.list': { add: ['gateway.certifications.apply'] },
  'gateway.policies.logs': { add: logRefusal },
  'gateway.receipts.list': { add: ['gateway.receipts.get'] },
  'gateway.disputes.listAll': { add: ['gateway.disputes.create'] },
  'gateway.admin.grants': { add: ['gateway.admin.grant'] },
  'gateway.admin.wallets': { add: ['gateway.gateways.create'] },
  'agreements.catalog.search': { add: ['runtime.services.create'] },
  'web.requests.list': { add: ['runtime.payments.create'] },
};

const inBody = ({ endpoint }: Callable) => endpoint.method === 'POST';
const lists = callables.filter(({ endpoint: { response, query, body } }) => {
  const paged = 'cursor' in query.shape || 'cursor' in body.shape;
  return paged && 'total' in ((response as { shape?: object }).shape ?? {});
});

interface Walked {
  readonly items: readonly string[];
  readonly total: number;
  readonly next_cursor?: string | null;
}

/** What tells an item from the others: its id, as its state may change; of one without, all that it says. */
const identityOf = (item: Record<string, unknown>) =>
  String(item['id'] ?? item['call_id'] ?? JSON.stringify(item));

/** One page; the items by what tells them apart. */
async function read(list: Callable, sent: Sent, part: Record<string, unknown>): Promise<Walked> {
  const asked = inBody(list) ? { body: { ...part } } : { query: strings(part) };
  const answer = await send(world, list.endpoint, { ...sent, ...asked });
  expect([answer.status, answer.body]).toEqual([200, answer.body]);
  const { total, next_cursor, ...rest } = answer.body as Record<string, unknown> & Walked;
  const [items] = Object.values(rest) as unknown[][];
  return {
    items: (items as Record<string, unknown>[]).map(identityOf),
    total,
    next_cursor: next_cursor as string,
  };
}

const strings = (part: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(part).map(([name, value]) => [name, String(value)]));

async function addTo({ endpoint }: Callable, sent: Sent): Promise<void> {
  const { add = [endpoint.id.replace(/\w+$/, 'create')] } = filled[endpoint.id] ?? {};
  if (typeof add === 'function') await add(sent);
  else
    for (const id of add) {
      const maker = callable(id);
      const { shared: _, ...own } = await maker.call(world);
      const params = { ...own.params };
      for (const [name, value] of Object.entries(sent.params ?? {}))
        if (maker.endpoint.path.includes(`{${name}}`)) params[name] = value;
      const answer = await send(world, maker.endpoint, { ...own, params });
      expect([answer.status, answer.body]).toEqual([maker.endpoint.status, answer.body]);
    }
  await world.api.composition.requestLog.written();
}

it('every list of a family that has pages is here', () => {
  const unlisted = callables.filter(
    (each) =>
      'next_cursor' in ((each.endpoint.response as { shape?: object }).shape ?? {}) && !lists.includes(each),
  );
  expect(unlisted.map(({ endpoint }) => endpoint.id)).toEqual([]);
  expect(new Set(lists.map(({ family }: { family: Family }) => family.id)).size).toBe(6);
});

describe.each(named(lists))('%s', (id, list) => {
  it('gives every item exactly once by cursor, also while items are added, and ends with null', async () => {
    const {
      query: _q,
      body: _b,
      shared: _s,
      ...sent
    }: Sent = await (filled[id]?.call ?? (() => list.call(world)))();
    for (let n = 0; n < 5; n++) await addTo(list, sent);
    const before: string[] = [];
    for (let offset = 0, total = 1; offset < total; offset += 100) {
      const page = await read(list, sent, { limit: 100, offset });
      expect(page.next_cursor).toBeUndefined();
      before.push(...page.items);
      total = page.total;
    }
    expect(before.length).toBeGreaterThanOrEqual(5);
    expect(new Set(before).size).toBe(before.length);

    const limit = Math.ceil(before.length / 3);
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Walked = await read(list, sent, { limit, cursor });
      seen.push(...page.items);
      expect(page.items.length).toBeLessThanOrEqual(limit);
      expect(page.next_cursor).toEqual(page.next_cursor === null ? null : expect.any(String));
      if (cursor === '') await addTo(list, sent);
      cursor = page.next_cursor as string | null;
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.filter((item) => before.includes(item))).toEqual(before);
  });

  it('refuses a cursor that no page named', async () => {
    const places = [[], ['x', 1], [{}], [null, null], [1, 2, 3, 4, 5]];
    const made = places.map((place) => Buffer.from(JSON.stringify(place)).toString('base64url'));
    const {
      query: _q,
      body: _b,
      shared: _s,
      ...sent
    }: Sent = await (filled[id]?.call ?? (() => list.call(world)))();
    for (const cursor of ['x', '!', 'a'.repeat(201), ...made]) {
      const asked = inBody(list) ? { body: { cursor } } : { query: { cursor } };
      const answer = await send(world, list.endpoint, { ...sent, ...asked });
      expect([cursor, answer.status, answer.body.error.param]).toEqual([cursor, 400, 'cursor']);
    }
  });
});
