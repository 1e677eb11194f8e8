import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { manualClock } from '@agentpay/primitives';
import { createLogger, readConfig, start, type RunningServer } from '@agentpay/server';
import { eventually, startRedis, testDatabase, type RedisServer, type TestDatabase } from '@agentpay/testing';
import supertest from 'supertest';

/** Two nodes on one PostgreSQL and one Redis, under one clock. */
const clock = manualClock(Date.UTC(2026, 4, 8));
let database: TestDatabase;
let redis: RedisServer;
let nodes: RunningServer[];

beforeAll(async () => {
  [database, redis] = await Promise.all([testDatabase(), startRedis()]);
  const env = {
    PORT: '0',
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    JWT_SECRET: 'k3vX9mQ2pL7wR4tY8uZ1aB5cD6eF0gH_',
    RATE_LIMIT_BURST: '10000',
    OUTBOUND_LOOPBACK: 'true',
  };
  // At once: the schema is made by one of them while the other waits.
  nodes = await Promise.all([1, 2].map(() => start(readConfig(env), { clock, log: createLogger('silent') })));
});

afterAll(async () => {
  await Promise.all(nodes.map((node) => node.close()));
  await redis.stop();
  await database.drop();
});

function http(node: 0 | 1) {
  return supertest((nodes[node] as RunningServer).url);
}

async function shop(fields: object = {}) {
  const { body: agent } = await http(0).post('/v1/agents').send({ name: 'Replica' }).expect(201);
  const auth = { authorization: `Bearer ${agent.api_key}` };
  const wallet = agent.wallet_id as string;
  await http(0)
    .post(`/v1/wallets/${wallet}/fund`)
    .set(auth)
    .send({ amount: 1, source: 'test_faucet' })
    .expect(200);
  const name = `Service of ${agent.id}`;
  const { body: service } = await http(0)
    .post('/v1/services')
    .set(auth)
    .send({ name, price_per_call: 0.25, ...fields })
    .expect(201);
  const authorize = () =>
    http(0)
      .post(`/v1/services/${service.id}/authorize`)
      .set(auth)
      .send({ from_wallet_id: wallet })
      .expect(201);
  const balance = async () => (await http(1).get(`/v1/wallets/${wallet}/balance`).set(auth).expect(200)).body;
  return { auth, authorize, balance, service: service.id as string };
}

/** An agreement with ten units left of twelve, and a seller who counts the calls that reach it. */
async function metered() {
  let served = 0;
  const seller = createServer((_request, response) => {
    served++;
    response.end('served');
  }).listen(0, '127.0.0.1');
  await once(seller, 'listening');
  const endpoint_url = `http://127.0.0.1:${(seller.address() as AddressInfo).port}/`;
  const [offers, buys] = [await shop({ endpoint_url }), await shop()];
  const write = async (method: 'post' | 'put', path: string, of: typeof buys, body: object) =>
    (await http(0)[method](path).set(of.auth).send(body)).body as Record<string, string>;
  const terms = { cap: '0.12', unit_price: '0.01' };
  const proposal = { service_id: offers.service, terms };
  const { agreement_id: id } = await write('post', '/usage-agreements', buys, proposal);
  await write('put', `/usage-agreements/${id}/accept`, offers, {});
  await write('post', `/usage-agreements/${id}/activate-escrow`, buys, {});
  await write('post', `/usage-agreements/${id}/record-usage`, offers, { units: 2 });
  return {
    call: (n: number) =>
      http(n % 2 ? 1 : 0)
        .get(`/metered-proxy/${id}/x`)
        .set(buys.auth),
    read: async () => (await http(1).get(`/usage-agreements/${id}`).set(buys.auth).expect(200)).body,
    served: () => served,
    close: () => new Promise((resolve) => seller.close(resolve)),
  };
}

describe('two nodes', () => {
  it('serve and charge exactly the last ten units of an agreement to 100 calls at once', async () => {
    const { call, read, served, close } = await metered();
    const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => call(n)));
    const statuses = answers.map((answer) => answer.status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(10);
    expect(statuses.filter((status) => status === 409)).toHaveLength(90);
    expect(served()).toBe(10);
    await eventually(async () =>
      expect(await read()).toMatchObject({ used: '0.12', units: 12, status: 'challenge_window' }),
    );
    await close();
  });

  it('redeem a token once between them', async () => {
    const { auth, authorize } = await shop();
    const { body } = await authorize();
    const verify = (n: number) =>
      http(n % 2 ? 1 : 0)
        .post('/v1/x402/verify')
        .set(auth)
        .send({ token: body.token });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => verify(n)));
    const statuses = answers.map((answer) => answer.status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(19);
  });

  it('share the rate limit of an agent', async () => {
    const { auth } = await shop();
    const first = await http(0).get('/v1/agents').set(auth).expect(200);
    const second = await http(1).get('/v1/agents').set(auth).expect(200);
    const [left, leftAfter] = [first, second].map((answer) =>
      Number(answer.headers['x-ratelimit-remaining']),
    ) as [number, number];
    expect(leftAfter).toBe(left - 1);
  });

  it('return the money of an expired token without being asked', async () => {
    const { authorize, balance } = await shop();
    await authorize();
    expect(await balance()).toMatchObject({ available: 0.75, held: 0.25 });
    clock.advance(300_000);
    await eventually(async () => {
      clock.advance(1_000);
      expect(await balance()).toMatchObject({ available: 1, held: 0 });
    });
  });

  it('go on without Redis: tokens are sold, redeemed once, and limits still hold', async () => {
    const { auth, authorize } = await shop();
    const { body: before } = await authorize();
    await http(1).post('/v1/x402/verify').set(auth).send({ token: before.token }).expect(200);
    await redis.stop();
    try {
      await http(0).post('/v1/x402/verify').set(auth).send({ token: before.token }).expect(409);
      const { body, headers } = await authorize();
      expect(headers['x-ratelimit-limit']).toBe('60000');
      await http(1).post('/v1/x402/verify').set(auth).send({ token: body.token }).expect(200);
      await http(0).post('/v1/x402/verify').set(auth).send({ token: body.token }).expect(409);
      await http(0)
        .get('/readyz')
        .expect(200, { status: 'ok', checks: { database: 'ok', tracker: 'failed' } });
    } finally {
      await redis.start();
    }
    await eventually(() =>
      http(0)
        .get('/readyz')
        .expect(200, { status: 'ok', checks: { database: 'ok', tracker: 'ok' } }),
    );
  });
});
