import {
  authorize,
  newAgent,
  newService,
  ADMIN_KEY,
  testApi,
  type TestAgent,
  type TestApi,
} from '../testApi.js';

/** A demo that is open to the public: whose pages may use it, and what every agent may do. */
const DEMO = {
  PUBLIC_DEMO_MODE: 'true',
  PUBLIC_DEMO_SANDBOX_ONLY: 'true',
  PUBLIC_DEMO_ALLOWED_ORIGINS: 'https://demo.example, https://other.example:8443',
  EXPLORER_PAYMENT_MAX: '2',
  EXPLORER_FUNDING_MAX: '50',
};
const ALLOWED = { origin: 'https://demo.example' };

let api: TestApi;
let usual: TestApi;

beforeAll(async () => {
  [api, usual] = await Promise.all([testApi(DEMO), testApi()]);
});

afterAll(() => Promise.all([api?.close(), usual?.close()]));

describe('pages of other origins', () => {
  it('use the API where the operator named their origin, with keys and without cookies', async () => {
    const agent = await newAgent(api);
    const asked = 'authorization,content-type,idempotency-key';
    const preflight = await api.http
      .options('/v1/payments')
      .set({ ...ALLOWED, 'access-control-request-method': 'POST', 'access-control-request-headers': asked })
      .expect(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': 'https://demo.example',
      'access-control-allow-headers': asked,
      'access-control-allow-methods': expect.stringContaining('POST'),
      'access-control-max-age': '600',
    });
    for (const [path, status] of [
      [`/v1/wallets/${agent.wallet}/balance`, 200],
      ['/v1/wallets/wallet_0/balance', 400],
      ['/nowhere', 404],
    ] as const) {
      const { headers } = await api.http
        .get(path)
        .set({ ...ALLOWED, ...agent.auth })
        .expect(status);
      expect(headers).toMatchObject({
        'access-control-allow-origin': 'https://demo.example',
        'access-control-expose-headers': '*',
        vary: expect.stringContaining('Origin'),
      });
      expect(headers).not.toHaveProperty('access-control-allow-credentials');
    }
    await api.http
      .post('/v1/agents')
      .set('origin', 'https://other.example:8443')
      .send({ name: 'X' })
      .expect(201);
  });

  it.each(['https://evil.example', 'http://demo.example', 'https://demo.example.evil.example', 'null'])(
    'are refused from %s, before anything is done',
    async (origin) => {
      for (const request of [
        api.http.post('/v1/agents').send({ name: 'Made by a foreign page' }),
        api.http.get('/v1/services'),
        api.http.options('/v1/agents').set('access-control-request-method', 'POST'),
      ]) {
        const { body, headers } = await request.set('origin', origin).expect(403);
        expect(body.error).toMatchObject({ reason: 'origin_not_allowed' });
        expect(headers).not.toHaveProperty('access-control-allow-origin');
      }
      const made = await api.composition.core.db.query(`select 1 from agents where name like 'Made by a%'`);
      expect(made).toEqual([]);
    },
  );

  it('are this server itself as well, by either of its names, and programs send no origin', async () => {
    for (const origin of ['http://api.test', api.url])
      await api.http.post('/v1/agents').set('origin', origin).send({ name: 'Own page' }).expect(201);
    await api.http.post('/v1/agents').send({ name: 'Program' }).expect(201);
  });

  it('may read nothing where there is no public demo', async () => {
    const { headers } = await usual.http.get('/healthz').set(ALLOWED).expect(200);
    expect(headers).not.toHaveProperty('access-control-allow-origin');
  });
});

const fund = (on: TestApi, { wallet, auth }: TestAgent, amount: number) =>
  on.http.post(`/v1/wallets/${wallet}/fund`).set(auth).send({ amount, source: 'test_faucet' });

const pay = (on: TestApi, { wallet, auth }: TestAgent, amount: number) =>
  on.http
    .post('/v1/payments')
    .set(auth)
    .send({ from_wallet_id: wallet, to_external: 'merchant:demo', amount, currency: 'USD' });

describe('an agent that anybody makes', () => {
  it('pays by the rails and up to the amount of the demo, and its wallet holds no more than the demo allows', async () => {
    const agent = await newAgent(api, { funds: 40 });
    expect((await fund(api, agent, 10.01)).body.error).toMatchObject({ reason: 'funding_refused' });
    expect((await fund(api, agent, 10)).status).toBe(200);
    expect((await pay(api, agent, 2)).status).toBe(201);
    const dear = await pay(api, agent, 2.000001);
    expect([dear.status, dear.body.code]).toEqual([403, 'AP-1002']);
    const provider = await newAgent(api);
    await authorize(api, agent, await newService(api, provider, { price_per_call: 2 }));
    const dearService = await newService(api, provider, { price_per_call: 2.000001 });
    await api.http
      .post(`/v1/services/${dearService}/authorize`)
      .set(agent.auth)
      .send({ from_wallet_id: agent.wallet })
      .expect(403);
  });

  it('pays by no rail that the demo does not name', async () => {
    const tokensOnly = await testApi({ ...DEMO, EXPLORER_RAILS: 'x402' });
    const [agent, provider] = [await newAgent(tokensOnly, { funds: 5 }), await newAgent(tokensOnly)];
    const refused = await pay(tokensOnly, agent, 1);
    expect([refused.status, refused.body.error.reason]).toEqual([403, 'rail_not_allowed']);
    await authorize(tokensOnly, agent, await newService(tokensOnly, provider));
    await tokensOnly.close();
  });

  it('cannot hand its restrictions off: an agent that it makes has them too', async () => {
    const maker = await newAgent(api);
    const made = await newAgent(api, { funds: 10, by: maker.auth });
    expect((await pay(api, made, 2.000001)).body.code).toBe('AP-1002');
  });

  it('is free when the operator made it, and where there is no public demo', async () => {
    const operators = await newAgent(api, { funds: 10, by: { 'x-admin-key': ADMIN_KEY } });
    expect((await pay(api, operators, 5)).status).toBe(201);
    const agent = await newAgent(usual, { funds: 100 });
    expect((await pay(usual, agent, 20)).status).toBe(201);
  });
});
