import { agreements, approvals } from '@agentpay/core';
import { listenTo } from '../listenTo.js';
import { newAgent, newService } from '../testApi.js';
import { newWorld, type World } from '../world.js';
import { asking, governedAgent } from './asking.js';

/** The document's workflow 5, and the catalogue of workflow 1. */
let world: World;

beforeAll(async () => {
  world = await newWorld();
});
afterAll(() => world.api.close());

const http = () => world.api.http;
const owner = () => world.credential('session');

async function propose(auth: object, terms: object, service: object = {}) {
  const service_id = await newService(
    world.api,
    await newAgent(world.api),
    service as Record<string, unknown>,
  );
  return http()
    .post('/usage-agreements')
    .set(auth as Record<string, string>)
    .send({ service_id, terms });
}

describe('the policies of an agent', () => {
  it('are set one by one, and are the same rules as its limits', async () => {
    const { id } = await governedAgent(world, { daily_limit: '10', allowed_sellers: ['merchant:a'] });
    const path = `/agents/${id}/policies`;
    const put = (body: object) => http().put(path).set(owner()).send(body).expect(200);
    await put({ require_approval_over: '0', allowed_sellers: null });
    const { body } = await http().get(path).set(owner()).expect(200);
    expect(body.policies).toEqual({
      require_approval_over: '0.00',
      max_agreement_cap: null,
      allowed_categories: null,
      allowed_sellers: null,
      daily_limit: '10.00',
      monthly_limit: null,
    });
    await http().put(`/api/agents/${id}/limits`).set(owner()).send({ daily: '7' }).expect(200);
    const again = await http().get(path).set(owner()).expect(200);
    expect(again.body.policies.daily_limit).toBe('7.00');
  });

  it.each([
    [{ max_agreement_cap: '1.00' }, 'agreement_cap'],
    [{ allowed_categories: ['weather'] }, 'category_not_allowed'],
    [{ allowed_sellers: ['merchant:a'] }, 'not_on_allow_list'],
    [{ daily_limit: '1.00' }, 'daily_limit'],
    [{ monthly_limit: '1.00' }, 'monthly_limit'],
  ])('%j refuses an agreement', async (policies, reason) => {
    const agent = await governedAgent(world, policies);
    const refused = await propose(agent.auth, { cap: '1.01' }, { category: 'data' });
    expect([refused.status, refused.body.error.reason]).toEqual([403, reason]);
  });

  it('count proposals together', async () => {
    const agent = await governedAgent(world, { daily_limit: '1.00' });
    expect((await propose(agent.auth, { cap: '0.60' })).status).toBe(201);
    expect((await propose(agent.auth, { cap: '0.60' })).status).toBe(403);
  });

  it('are not for the agent to change', async () => {
    const agent = await governedAgent(world);
    const path = `/agents/${agent.id}/policies`;
    expect((await http().get(path).set(agent.auth)).status).toBe(200);
    expect((await http().put(path).set(agent.auth).send({})).status).toBe(401);
  });
});

describe('an agreement above the threshold', () => {
  const read = async (of: Awaited<ReturnType<typeof asking>>, auth: object = of.agent.auth) =>
    http()
      .get(`/usage-agreements/${of.id}`)
      .set(auth as Record<string, string>);
  const decide = ({ params }: Awaited<ReturnType<typeof asking>>, verb: string, auth: object = owner()) =>
    http()
      .post(`/agents/${params.agent_id}/approvals/${params.request_id}/${verb}`)
      .set(auth as Record<string, string>)
      .send({});

  it('waits for the owner, then goes to the seller, who knew nothing of it', async () => {
    const of = await asking(world);
    expect((await read(of)).body).toMatchObject({
      status: 'pending_approval',
      request_id: of.params.request_id,
    });
    expect((await read(of, of.seller.auth)).status).toBe(404);
    const approved = await decide(of, 'approve');
    expect(approved.body).toMatchObject({ status: 'approved', agreement_id: of.id });
    expect((await decide(of, 'approve')).status).toBe(200);
    expect((await decide(of, 'reject')).status).toBe(409);
    expect((await read(of, of.seller.auth)).body.status).toBe('proposed');
  });

  it('is rejected by the owner for good', async () => {
    const of = await asking(world);
    expect((await decide(of, 'reject')).body.status).toBe('rejected');
    expect((await read(of)).body.status).toBe('rejected');
    expect((await read(of, of.seller.auth)).status).toBe(404);
  });

  it('is decided by the operator elsewhere in the same way', async () => {
    const of = await asking(world);
    const path = `/v1/approvals/${of.params.request_id}/approve`;
    await http().post(path).set(world.credential('admin')).send({}).expect(200);
    expect((await read(of)).body.status).toBe('proposed');
  });

  it('is decided by its owner alone, under the agent that asked', async () => {
    const of = await asking(world);
    expect((await decide(of, 'approve', world.foreign('session'))).status).toBe(404);
    const other = await governedAgent(world);
    const wrong = { ...of, params: { ...of.params, agent_id: other.id } };
    expect((await decide(wrong, 'approve')).body.code).toBe('approval_not_found');
    expect((await read(of)).body.status).toBe('pending_approval');
  });

  it('expires when nobody decides', async () => {
    const of = await asking(world);
    world.api.clock.advance(24 * 3_600_000);
    await agreements.work(world.api.composition.core, { limit: 1000 });
    expect((await read(of)).body.status).toBe('expired');
    expect((await decide(of, 'approve')).status).toBe(409);
  });
});

describe('server-sent events of an agreement above the threshold', () => {
  const EARLIER = ['approval.requested', 'agreement.pending_approval'];

  it.each([
    ['approved', 'agreement.proposed', ['agreement.proposed']],
    ['rejected', 'agreement.rejected', []],
    ['expired', 'agreement.expired', []],
  ] as const)(
    'tell agent and owner that it waits and is %s, and the seller of what was proposed alone',
    async (end, outcome, sellerIs) => {
      const { api } = world;
      const agent = await governedAgent(world);
      const path = `/api/agents/${agent.id}`;
      const { body: made } = await http().post(`${path}/api-keys`).set(owner()).expect(201);
      const listen = (headers: Record<string, string>) =>
        listenTo(`${api.url}${path}/events?seconds=3600`, headers);
      const both = async () => [await listen({ 'x-agent-key': made.key }), await listen(owner())];
      const seller = await newAgent(api);
      const service_id = await newService(api, seller);
      const proposal = { service_id, terms: { cap: '2.00' } };
      const early = end === 'expired' ? undefined : await both();
      const { body } = await http().post('/usage-agreements').set(agent.auth).send(proposal).expect(202);
      // Longer than a stream may last.
      if (!early) api.clock.advance(24 * 3_600_000);
      const heard = early ?? (await both());
      if (end === 'expired') {
        await agreements.work(api.composition.core, { limit: 1000 });
        await approvals.expireDue(api.composition.core, { limit: 1000 });
      } else {
        const verb = end === 'approved' ? 'approve' : 'reject';
        const decision = `/agents/${agent.id}/approvals/${body.request_id}/${verb}`;
        await http().post(decision).set(owner()).send({}).expect(200);
      }
      const asked = early ? EARLIER : [];
      const told = [...asked, `approval.${end}`, outcome];
      for (const each of heard) {
        // What a transaction under way held back is told, though it happened before.
        const types = () => each.types().filter((type) => early || !EARLIER.includes(type as string));
        await each.come(
          () => api.clock.advance(500),
          () => told.every((type) => types().includes(type)),
        );
        expect(types().sort()).toEqual([...told].sort());
        expect(types().slice(0, asked.length)).toEqual(asked);
        expect(each.said()).toContain(body.request_id);
        await each.leave();
      }
      const ofSeller = await api.composition.core.db.query<{ type: string }>(
        'select type from events where $1 = any(audience) order by sequence',
        [seller.id],
      );
      expect(ofSeller.map(({ type }) => type)).toEqual(sellerIs);
    },
  );
});

describe('the catalogue', () => {
  const search = async (body: object) => {
    const response = await http().post('/catalog/search').set(world.agent.auth).send(body).expect(200);
    return response.body as { services: { name: string; relevance: number }[]; total: number };
  };
  const names = async (body: object) => (await search(body)).services.map(({ name }) => name);

  beforeAll(async () => {
    const fields = [
      { name: 'TempestAPI', description: 'Forecasts for sailing boats', category: 'tempest' },
      { name: 'Boat Prices', description: 'What tempest proof boats cost', category: 'prices' },
      { name: 'Plain Words', description: 'Translates sentences', price_per_call: 2 },
    ];
    for (const each of fields)
      await http()
        .post('/agents/services')
        .set(world.agent.auth)
        .send({ price_per_call: 0.01, ...each })
        .expect(201);
  });

  it('finds by the beginning of words, names before descriptions', async () => {
    expect(await names({ query: 'tempest' })).toEqual(['TempestAPI', 'Boat Prices']);
    expect(await names({ query: 'translat' })).toEqual(['Plain Words']);
  });

  it('finds other forms of a word, and puts what has all words first', async () => {
    expect(await names({ query: 'translating' })).toEqual(['Plain Words']);
    expect(await names({ query: 'prices tempest' })).toEqual(['Boat Prices', 'TempestAPI']);
  });

  it('filters by category and price, and gives pages', async () => {
    expect(await names({ query: 'boats', category: 'tempest' })).toEqual(['TempestAPI']);
    expect(await names({ query: 'sentences', max_price: '1.00' })).toEqual([]);
    const page = await search({ query: 'boats', limit: 1, offset: 1 });
    expect([page.services.length, page.total]).toEqual([1, 2]);
  });

  it.each(["' & | ! ( ) : * <-> \\\\", "'); drop table services; --", '\u0000', '   '])(
    'takes %j for words',
    async (query) => {
      await search({ query });
    },
  );
});
