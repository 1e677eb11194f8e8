import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ADMIN_KEY, closeBalanced, testApi, type TestApi } from '../families/testApi.js';
import { curlOf, curlShell, JSON_TYPE } from './curl.js';

/** The API documentation's own curl lines about gateways, the marketplace and developers; who is needed first comes first. */
const SECRET = 'whsec_0123456789abcdefghijklmnop';
let api: TestApi;
let agent: Server;
const variables: Record<string, string> = { ADMIN_KEY };

beforeAll(async () => {
  agent = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end('{"summary":"Sales grew."}');
  }).listen(0, '127.0.0.1');
  await once(agent, 'listening');
  api = await testApi({
    OUTBOUND_LOOPBACK: 'true',
    SANDBOX_AUTO_APPROVE: 'true',
    STRIPE_WEBHOOK_SECRET: SECRET,
  });
  variables['BASE'] = api.url;
});

afterAll(async () => {
  agent.close();
  await closeBalanced(api);
});

const GATEWAY = '-H "X-Gateway-Key: $GATEWAY_KEY"';
const DEVELOPER = '-H "X-Developer-Key: $DEV_KEY"';
const ADMIN = '-H "X-Admin-Key: $ADMIN_KEY"';

const { curl, keep, post, get } = curlShell(variables);

it('registers a developer, who reads their profile and dashboard and changes their key', async () => {
  const made = await post('/developers/register', '', '{"email":"dev@example.com","name":"Dev Co"}');
  expect(made).toMatchObject({ developer_id: expect.stringMatching(/^dev_/), status: 'pending' });
  keep('DEV_KEY', made['developer_key']);
  expect(await get('/developers/profile', DEVELOPER)).toMatchObject({
    id: made['developer_id'],
    name: 'Dev Co',
  });
  expect(await get('/developers/dashboard', DEVELOPER)).toEqual({ url: 'http://api.test/dev/dashboard' });
  const { new_key } = await post('/developers/rotate-key', DEVELOPER, '{"reason":"rotation"}');
  expect(new_key).toMatch(/^dev_live_/);
  keep('DEV_KEY', new_key);
});

it('lists an agent, with versions, prices and an SLA', async () => {
  const listed = await post('/marketplace/agents', DEVELOPER, '{"name":"DataBot","category":"analytics"}');
  expect(listed).toEqual({ agent_id: expect.stringMatching(/^agt_/), status: 'pending' });
  keep('AGT', listed['agent_id']);
  const at = '/marketplace/agents/$AGT';
  const patch = `curl -X PATCH $BASE${at} ${DEVELOPER} ${JSON_TYPE} -d '{"description":"New release notes"}'`;
  expect(await curl(patch)).toEqual({ status: 'updated' });
  const { port } = agent.address() as AddressInfo;
  const methods = '"methods":[{"name":"summarize","price_usdc":"0.01"}]';
  const callable = `{"endpoint_url":"http://127.0.0.1:${port}/",${methods}}`;
  await curl(`curl -X PATCH $BASE${at} ${DEVELOPER} ${JSON_TYPE} -d '${callable}'`);
  expect(await post(`/admin${at}/approve`, ADMIN, '{}')).toEqual({ status: 'active' });
  await post(`${at}/versions`, DEVELOPER, '{"version":"v1.0.1"}');

  expect(await get('/marketplace/agents')).toMatchObject({
    agents: [{ id: listed['agent_id'], name: 'DataBot' }],
  });
  expect(await get(at)).toMatchObject({ id: listed['agent_id'], name: 'DataBot', versions: 2 });
  expect(await get(`${at}/versions`)).toMatchObject({ versions: [{ id: 'v1.0.1' }, { id: 'v1.0.0' }] });
  expect(await get(`${at}/method-pricing`)).toMatchObject({
    methods: [{ name: 'summarize', price_usdc: '0.01' }],
  });
  expect(await get(`${at}/sla`)).toMatchObject({ uptime: '100%', p95_ms: 0, calls: 0 });
  expect(await get(`${at}/sla-report`)).toMatchObject({ month: '2026-05', uptime: '100%' });
  expect(await get('/marketplace/regions')).toEqual({ regions: ['us-east', 'eu-west'] });
  expect(await get('/marketplace/revenue-rules')).toEqual({
    platform_fee_pct: 5,
    payout_schedule: 'monthly',
  });
  expect(await get('/marketplace/certifications')).toEqual({ certifications: ['SOC2', 'ISO27001'] });
  const { org_id } = await post('/orgs', DEVELOPER, '{"name":"Acme Labs"}');
  expect(await post(`${at}/sla-contract`, DEVELOPER, `{"org_id":"${org_id}","terms":"standard"}`)).toEqual({
    contract_id: expect.stringMatching(/^sla_/),
    status: 'draft',
  });
});

it('registers a gateway, funds it by card, and calls the agent within a quota', async () => {
  keep('GATEWAY_KEY', (await post('/admin/gateways', ADMIN, '{"name":"Acme"}'))['gateway_key']);
  expect(
    await post(
      '/gateway/register',
      GATEWAY,
      '{"name":"Acme Gateway","callback_url":"https://example.com/webhook"}',
    ),
  ).toMatchObject({ gateway_id: expect.stringMatching(/^gw_/), status: 'active' });
  const funding = await post('/gateway/fund', GATEWAY, '{"amount_usdc":"100.00","source":"stripe"}');
  expect(funding).toEqual({ funding_id: expect.stringMatching(/^fund_/), status: 'processing' });
  const object = `{"metadata":{"funding_id":"${funding['funding_id']}"},"amount":10000,"currency":"usd"}`;
  const event = `{"id":"evt_123","type":"charge.succeeded","data":{"object":${object}}}`;
  const time = Math.floor(api.clock.now() / 1000);
  const signature = createHmac('sha256', SECRET).update(`${time}.${event}`).digest('hex');
  expect(await post('/stripe/webhook', `-H "Stripe-Signature: t=${time},v1=${signature}"`, event)).toEqual({
    received: true,
  });
  expect(await get('/gateway/balance', GATEWAY)).toMatchObject({
    available_usdc: '100.00',
    pending_usdc: '0.00',
  });
  expect(await get('/gateway/discover', GATEWAY)).toMatchObject({
    agents: [{ id: variables['AGT'], name: 'DataBot' }],
  });
  expect(
    await post('/gateway/provision', GATEWAY, `{"agent_id":"${variables['AGT']}","quota_usdc":"50.00"}`),
  ).toEqual({ provision_id: expect.stringMatching(/^prov_/), status: 'active' });
  expect(await get('/gateway/tools', GATEWAY)).toMatchObject({
    tools: [{ id: expect.stringMatching(/^tool_/), name: 'summarize' }],
  });
  const call = await post(
    '/gateway/call',
    GATEWAY,
    `{"agent_id":"${variables['AGT']}","input":{"task":"summarize"}}`,
  );
  expect(call).toEqual({ call_id: expect.stringMatching(/^call_/), status: 'queued' });
  expect(await get(`/gateway/calls/${call['call_id']}?wait=20`, GATEWAY)).toMatchObject({
    status: 'completed',
    output: { summary: 'Sales grew.' },
  });
  expect(await get('/gateway/usage', GATEWAY)).toEqual({ month: '2026-05', total_usdc: '0.01', calls: 1 });
  expect(await get('/gateway/balance', GATEWAY)).toMatchObject({
    available_usdc: '99.99',
    held_usdc: '0.00',
  });
  expect(await get('/marketplace/agents/$AGT/sla')).toMatchObject({ uptime: '100%', calls: 1 });
  const { new_key } = await post('/gateway/keys/rotate', GATEWAY, '{"reason":"exposure"}');
  expect((await curlOf(variables, `curl $BASE/gateway/balance ${GATEWAY}`)).status).toBe(401);
  keep('GATEWAY_KEY', new_key);
  await get('/gateway/balance', GATEWAY);
});

it('pays the developer what they earned, and not more', async () => {
  expect(await get('/developers/earnings', DEVELOPER)).toEqual({
    month: '2026-05',
    total_usdc: '0.0095',
    available_usdc: '0.0095',
  });
  const pay = (amount: string) =>
    curlOf(
      variables,
      `curl -X POST $BASE/developers/payout ${DEVELOPER} ${JSON_TYPE} -d '{"amount_usdc":"${amount}","destination":"bank"}'`,
    );
  expect(await pay('200.00')).toMatchObject({ status: 402, body: { code: 'INSUFFICIENT_FUNDS' } });
  expect(await pay('0.009')).toMatchObject({
    status: 200,
    body: { payout_id: expect.stringMatching(/^po_/), status: 'processing' },
  });
});
