import { ADMIN_KEY, newAgent, testApi, type TestApi } from './testApi.js';

let api: TestApi;
beforeAll(async () => void (api = await testApi()));
afterAll(() => api.close());

const figures = async () =>
  (
    await api.http
      .get('/metrics')
      .set('x-admin-key', ADMIN_KEY)
      .expect(200)
      .expect('content-type', /text\/plain/)
  ).text;

it('counts requests by endpoint and status, and nothing that a caller made up', async () => {
  const agent = await newAgent(api);
  const path = `/v1/wallets/${agent.wallet}/balance`;
  await api.http.get(path).set(agent.auth).expect(200);
  await api.http.get(path).expect(401);
  await api.http.get('/made-up').expect(404);
  const text = await figures();
  const counted = [...text.matchAll(/^agentpay_api_requests_total\{(.*)\} (\d+)$/gm)].map(([, labels, n]) => [
    labels,
    n,
  ]);
  const balance = counted.filter(([labels]) => /balance/.test(labels as string));
  expect(balance.map(([labels, n]) => [/status="(\d+)"/.exec(labels as string)?.[1], n]).sort()).toEqual([
    ['200', '1'],
    ['401', '1'],
  ]);
  expect(text).toMatch(/endpoint="none",status="404"\} 1/);
  expect(text).not.toMatch(/made-up|wallet_/);
});

it('shows them to the operator alone', async () => {
  const agent = await newAgent(api);
  await api.http.get('/metrics').expect(401);
  await api.http.get('/metrics').set(agent.auth).expect(401);
  await api.http.get('/metrics').set('x-admin-key', 'x'.repeat(40)).expect(401);
});
