import { runtime } from '@agentpay/api';
import {
  ADMIN_KEY,
  balanceOf,
  closeBalanced,
  newAgent,
  type TestAgent,
  type TestApi,
  testApi,
} from '../testApi.js';

let api: TestApi;
let consumer: TestAgent;
let provider: TestAgent;

beforeAll(async () => {
  api = await testApi();
  consumer = await newAgent(api, { name: 'Buyer', funds: 100 });
  provider = await newAgent(api, { name: 'Seller' });
});

afterAll(() => closeBalanced(api));

const balance = (agent: TestAgent) => balanceOf(api, agent);

describe('agents', () => {
  it('are created with a wallet and two keys, and nothing else is told', async () => {
    const { body } = await api.http
      .post('/v1/agents')
      .send({ name: 'ResearchOpsAgent', operator: 'acme' })
      .expect(201);
    expect(body).toEqual({
      id: expect.stringMatching(/^agent_[0-9a-z]{26}$/),
      api_key: expect.stringMatching(/^pk_test_/),
      wallet_id: expect.stringMatching(/^wallet_[0-9a-z]{26}$/),
      secret_key: expect.stringMatching(/^sk_test_/),
    });
  });

  it('see the agents of their group, page by page', async () => {
    const first = await newAgent(api, { name: 'One', operator: 'fleet' });
    api.clock.advance(1); // agents are listed by age
    const second = await newAgent(api, { name: 'Two', by: first.auth });
    const { body } = await api.http.get('/v1/agents?limit=1&offset=1').set(first.auth).expect(200);
    expect(body).toEqual({ agents: [{ id: second.id, name: 'Two', operator: 'fleet' }], total: 2 });
    await api.http
      .get(`/v1/agents/${second.id}`)
      .set(first.auth)
      .expect(200, { id: second.id, name: 'Two', operator: 'fleet' });
  });

  it('F30: see nothing of others who say that they have the same operator', async () => {
    const first = await newAgent(api, { name: 'Real', operator: 'victim inc' });
    const stranger = await newAgent(api, { name: 'Stranger', operator: 'victim inc' });
    const { body } = await api.http.get('/v1/agents').set(stranger.auth).expect(200);
    expect(body).toEqual({
      agents: [{ id: stranger.id, name: 'Stranger', operator: 'victim inc' }],
      total: 1,
    });
    await api.http.get(`/v1/agents/${first.id}`).set(stranger.auth).expect(404);
  });

  it('F30: are of one group when the operator of the platform vouches for their operator', async () => {
    const by = { 'x-admin-key': ADMIN_KEY };
    const first = await newAgent(api, { operator: 'vouched', by });
    const second = await newAgent(api, { operator: 'vouched', by });
    const stranger = await newAgent(api, { operator: 'vouched' });
    const list = async ({ auth }: TestAgent) =>
      ((await api.http.get('/v1/agents').set(auth).expect(200)).body as { agents: { id: string }[] }).agents
        .map(({ id }) => id)
        .sort();
    expect(await list(first)).toEqual([first.id, second.id].sort());
    expect(await list(stranger)).toEqual([stranger.id]);
  });

  it('rotate their keys: the new ones work, the old ones until a new one is used', async () => {
    const agent = await newAgent(api);
    const { body } = await api.http.post(`/v1/agents/${agent.id}/keys/rotate`).set(agent.auth).expect(200);
    expect(Object.keys(body as object).sort()).toEqual(['api_key', 'secret_key']);
    await api.http.get('/v1/agents').set(agent.auth).expect(200);
    await api.http.get('/v1/agents').set('authorization', `Bearer ${body.api_key}`).expect(200);
    await api.http.get('/v1/agents').set('authorization', `Bearer ${body.secret_key}`).expect(200);
    await api.http.get('/v1/agents').set(agent.auth).expect(401);
  });
});

describe('wallets', () => {
  it('are funded by the test faucet', async () => {
    const agent = await newAgent(api);
    const url = `/v1/wallets/${agent.wallet}/fund`;
    const { body } = await api.http
      .post(url)
      .set(agent.auth)
      .send({ amount: 100, source: 'test_faucet' })
      .expect(200);
    expect(body).toEqual({
      wallet_id: agent.wallet,
      balance: 100,
      available: 100,
      currency: 'USD',
      transaction_id: expect.stringMatching(/^tx_/),
    });
    await api.http
      .get(`/v1/wallets/${agent.wallet}/balance`)
      .set(agent.auth)
      .expect(200, { wallet_id: agent.wallet, balance: 100, available: 100, held: 0, currency: 'USD' });
  });

  it('take an idempotency key from the header or the body, and fund once', async () => {
    const agent = await newAgent(api);
    const url = `/v1/wallets/${agent.wallet}/fund`;
    const body = { amount: 7, source: 'test_faucet' };
    const first = await api.http
      .post(url)
      .set(agent.auth)
      .set('idempotency-key', 'k1')
      .send(body)
      .expect(200);
    const again = await api.http
      .post(url)
      .set(agent.auth)
      .send({ ...body, idempotency_key: 'k1' })
      .expect(200);
    expect(again.body).toEqual(first.body);
    const other = await api.http
      .post(url)
      .set(agent.auth)
      .set('idempotency-key', 'k1')
      .send({ ...body, amount: 8 })
      .expect(409);
    expect(other.body.code).toBe('conflict');
    const both = await api.http
      .post(url)
      .set(agent.auth)
      .set('idempotency-key', 'k1')
      .send({ ...body, idempotency_key: 'k2' })
      .expect(400);
    expect(both.body.error.param).toBe('idempotency_key');
    expect(await balance(agent)).toEqual({ available: 7, held: 0 });
  });

  it('know no other source, and no endless faucet', async () => {
    const url = `/v1/wallets/${consumer.wallet}/fund`;
    const unknown = await api.http
      .post(url)
      .set(consumer.auth)
      .send({ amount: 1, source: 'mint' })
      .expect(400);
    expect(unknown.body.error).toMatchObject({ code: 'AP-1001', reason: 'funding_source_unknown' });
    const greedy = await api.http
      .post(url)
      .set(consumer.auth)
      .send({ amount: 1_000_000, source: 'test_faucet' })
      .expect(403);
    expect(greedy.body.error).toMatchObject({ code: 'AP-1001', reason: 'funding_refused' });
  });
});

describe('services', () => {
  const weather = {
    name: 'WeatherAPI',
    description: 'Real-time weather data per query',
    price_per_call: 0.002,
    currency: 'USD',
    category: 'weather',
    endpoint_url: 'https://api.example.com/weather',
    sla: { max_completion_seconds: 30 },
  };
  let id: string;

  it('are registered once under a name', async () => {
    const { body } = await api.http.post('/v1/services').set(provider.auth).send(weather).expect(201);
    expect(body).toEqual({
      id: expect.stringMatching(/^svc_/),
      slug: 'weatherapi',
      status: 'active',
      trust_score: 50,
    });
    id = body.id as string;
    const taken = await api.http.post('/v1/services').set(provider.auth).send(weather).expect(409);
    expect(taken.body.code).toBe('service_name_taken');
  });

  it('are marked as verified by the operator alone, and then found as such', async () => {
    const url = `/v1/services/${id}/verification`;
    await api.http.post(url).set(provider.auth).expect(401);
    await api.http.post(url).set('x-admin-key', ADMIN_KEY).expect(200, { id, verified: true });
    const { body } = await api.http
      .get('/v1/services?category=weather&verified=true')
      .set(consumer.auth)
      .expect(200);
    const summary = {
      id,
      name: 'WeatherAPI',
      slug: 'weatherapi',
      price_per_call: 0.002,
      currency: 'USD',
      category: 'weather',
      trust_score: 50,
      verified: true,
      status: 'active',
    };
    expect(body).toEqual({ services: [summary], total: 1 });
    await api.http
      .get(`/v1/services/${id}`)
      .set(consumer.auth)
      .expect(200, {
        ...summary,
        description: weather.description,
        endpoint_url: weather.endpoint_url,
        endpoint_proven: false,
        price_matches: null,
        sla: weather.sla,
      });
    await api.http
      .post(url)
      .set('x-admin-key', ADMIN_KEY)
      .send({ verified: false })
      .expect(200, { id, verified: false });
    await api.http
      .get('/v1/services?category=weather&verified=true')
      .set(consumer.auth)
      .expect(200, { services: [], total: 0 });
  });

  it('tell how the URL they protect is paid', async () => {
    const known = await api.http
      .get('/v1/x402/requirements')
      .query({ url: weather.endpoint_url })
      .set(consumer.auth)
      .expect(200);
    expect(known.body).toEqual({
      accepts: [
        {
          scheme: 'agentpay-token',
          service_id: id,
          price: 0.002,
          currency: 'USD',
          authorize_url: `http://api.test/v1/services/${id}/authorize`,
          header: 'X-Payment-Token',
        },
      ],
    });
    await api.http
      .get('/v1/x402/requirements')
      .query({ url: 'https://nobody.example/' })
      .set(consumer.auth)
      .expect(200, { accepts: [] });
  });
});

describe('a payout above approval_over', () => {
  const operator = { 'x-admin-key': ADMIN_KEY };
  async function asking() {
    const payer = await newAgent(api, { funds: 5 });
    const rule = { agent_id: payer.id, kind: 'approval_over', amount: 1 };
    await api.http.post('/v1/policies').set(operator).send(rule).expect(201);
    const { destination_type, destination } = runtime.nouns.payouts.create.example.body ?? {};
    const body = { from_wallet_id: payer.wallet, amount: 2, destination_type, destination };
    return {
      payer,
      pay: () => api.http.post('/v1/payouts').set(payer.auth).set('idempotency-key', 'payout-1').send(body),
      decide: (id: string, decision: 'approve' | 'reject') =>
        api.http.post(`/v1/approvals/${id}/${decision}`).set(operator).send({}).expect(200),
    };
  }

  it('waits for its owner, moves nothing, and passes once under the same idempotency key', async () => {
    const { payer, pay, decide } = await asking();
    const { body: asked } = await pay().expect(202);
    expect(asked).toEqual({
      status: 'pending_approval',
      approval_id: expect.stringMatching(/^apr_/),
      amount: 2,
      currency: 'USD',
      expires_at: expect.stringMatching(/Z$/),
    });
    await pay().expect(202, asked);
    expect(await balance(payer)).toMatchObject({ available: 5, held: 0 });
    await decide(asked.approval_id, 'approve');
    const { body: sent } = await pay().expect(201);
    await pay().expect(201, sent);
    expect(await balance(payer)).toMatchObject({ available: 3, held: 2 });
  });

  it('is refused, with the same approval, once its owner has rejected it', async () => {
    const { pay, decide } = await asking();
    const { body: asked } = await pay().expect(202);
    await decide(asked.approval_id, 'reject');
    const { body: refused } = await pay().expect(403);
    expect(refused.error.details).toMatchObject({
      approval_id: asked.approval_id,
      approval_status: 'rejected',
    });
  });
});
