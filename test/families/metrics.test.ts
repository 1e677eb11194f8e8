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
  expect(await figures()).toMatch(/endpoint="metrics",status="200"\} 1/);
});

it('tells of batches, open holds, the outbox and jobs', async () => {
  const agent = await newAgent(api);
  const post = (path: string, body: object) => api.http.post(path).set(agent.auth).send(body);
  await post(`/v1/wallets/${agent.wallet}/fund`, { amount: 10, source: 'test_faucet' }).expect(200);
  const destination = { account_id: 'acct_1' };
  await post('/v1/payouts', {
    from_wallet_id: agent.wallet,
    amount: 2.5,
    destination_type: 'stripe',
    destination,
  }).expect(201);
  api.clock.advance(7_000);
  const { metrics } = api.composition;
  await metrics.job('good', async () => ({ done: { things: 1 }, failures: [] }));
  await metrics.job('half', async () => ({ done: {}, failures: [{ subject: 'x', error: 1 }] }));
  await metrics.job('bad', () => Promise.reject(new Error('no'))).catch(() => undefined);
  const text = await figures();
  expect(text).toMatch(/^agentpay_api_open_holds\{purpose="payout",currency="USD"\} 1$/m);
  expect(text).toMatch(/^agentpay_api_held_amount\{purpose="payout",currency="USD"\} 2\.5$/m);
  expect(Number(/^agentpay_api_outbox_lag_seconds (\S+)$/m.exec(text)?.[1])).toBeGreaterThanOrEqual(7);
  expect(text).toMatch(/^agentpay_api_batches_total\{result="written"\} [1-9]/m);
  expect(text).toMatch(/^agentpay_api_batch_commands_sum [1-9]/m);
  for (const run of ['job="good",result="done"', 'job="half",result="partly"', 'job="bad",result="failed"'])
    expect(text).toContain(`agentpay_api_job_runs_total{${run}} 1`);
});

it('shows them to the operator alone', async () => {
  const agent = await newAgent(api);
  await api.http.get('/metrics').expect(401);
  await api.http.get('/metrics').set(agent.auth).expect(401);
  await api.http.get('/metrics').set('x-admin-key', 'x'.repeat(40)).expect(401);
});
