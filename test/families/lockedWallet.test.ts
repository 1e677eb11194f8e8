import { Client } from 'pg';
import { authorize, newAgent, newService, testApi, type TestAgent, type TestApi } from './testApi.js';

let api: TestApi;
let database: Client;
let [locked, other]: [TestAgent, TestAgent] = [undefined as never, undefined as never];
let service: string;

beforeAll(async () => {
  const through = async (url: string) => {
    database = new Client({ connectionString: url });
    await database.connect();
    return url;
  };
  api = await testApi({}, { through, provoked: /"reason":"busy"/ });
  locked = await newAgent(api, { name: 'Locked', funds: 10 });
  other = await newAgent(api, { name: 'Other', funds: 10 });
  service = await newService(api, other);
});
afterAll(async () => {
  await database.end();
  await api.close();
});

it('a wallet that is locked makes its own requests wait and end in 503; balances, agents, readiness and other wallets go on', async () => {
  await database.query('begin');
  const { rowCount } = await database.query(
    'select 1 from ledger_balances where account like $1 for update',
    [`%${locked.wallet}%`],
  );
  expect(rowCount).toBeGreaterThan(0);
  const stuck = Array.from({ length: 12 }, () =>
    api.http
      .post(`/v1/services/${service}/authorize`)
      .set(locked.auth)
      .send({ from_wallet_id: locked.wallet })
      .then((response) => response),
  );
  const funding = api.http
    .post(`/v1/wallets/${locked.wallet}/fund`)
    .set(locked.auth)
    .send({ amount: 1, source: 'test_faucet' })
    .then((response) => response);

  await api.http.get(`/v1/wallets/${other.wallet}/balance`).set(other.auth).expect(200);
  await api.http.get(`/v1/wallets/${locked.wallet}/balance`).set(locked.auth).expect(200);
  await newAgent(api, { name: 'New', funds: 1 });
  await authorize(api, other, service);
  await api.http.get('/readyz').expect(200);

  for (const response of await Promise.all([...stuck, funding])) {
    expect(response.status).toBe(503);
    expect(response.headers['retry-after']).toBe('1');
  }
  await database.query('rollback');
  await authorize(api, locked, service);
  const { body } = await api.http.get(`/v1/wallets/${locked.wallet}/balance`).set(locked.auth).expect(200);
  expect(body).toMatchObject({ available: 9.995, held: 0.005 });
});
