import { newAgent, newService, testApi, ADMIN_KEY, type TestApi } from '../families/testApi.js';
import { curlOf } from './curl.js';

/** The runtime guide's own curl lines, as it prints them, in its order. */
let api: TestApi;
const variables: Record<string, string> = {};

beforeAll(async () => {
  api = await testApi();
  variables['AGENTPAY_BASE_URL'] = api.url;
});

afterAll(() => api.close());

const curl = (line: string) => curlOf(variables, line);

const KEY = '-H "Authorization: Bearer $AGENTPAY_API_KEY"';
const JSON_TYPE = '-H "Content-Type: application/json"';

it('creates an agent, funds its wallet and pays', async () => {
  const agent = await curl(`curl -X POST "$AGENTPAY_BASE_URL/v1/agents" \\
  ${JSON_TYPE} \\
  -d '{
    "name": "ResearchOpsAgent",
    "operator": "acme"
  }'`);
  expect(agent).toMatchObject({ status: 201, body: { id: expect.stringMatching(/^agent_/) } });
  variables['AGENTPAY_API_KEY'] = agent.body['api_key'] as string;
  variables['WALLET_ID'] = agent.body['wallet_id'] as string;

  const funded = await curl(`curl -X POST "$AGENTPAY_BASE_URL/v1/wallets/$WALLET_ID/fund" \\
  ${KEY} \\
  ${JSON_TYPE} \\
  -d '{
    "amount": 100,
    "source": "test_faucet"
  }'`);
  expect(funded).toMatchObject({ status: 200, body: { balance: 100 } });

  const line = `curl -X POST "$AGENTPAY_BASE_URL/v1/payments" \\
  ${KEY} \\
  ${JSON_TYPE} \\
  -d '{
    "from_wallet_id": "'$WALLET_ID'",
    "to_external": "merchant:demo",
    "amount": 5,
    "currency": "USD",
    "rail": "internal",
    "description": "Agent tool purchase",
    "idempotency_key": "tool-call-001"
  }'`;
  const paid = await curl(line);
  expect(paid).toMatchObject({
    status: 201,
    body: {
      id: expect.stringMatching(/^tx_/),
      amount: 5,
      fee: 0.02,
      total_debited: 5.02,
      currency: 'USD',
      rail: 'internal',
      status: 'completed',
    },
  });
  expect((await curl(line)).body['id']).toBe(paid.body['id']);
  variables['PAYMENT_ID'] = paid.body['id'] as string;
});

it('reads balance and payment', async () => {
  const balance = await curl(`curl "$AGENTPAY_BASE_URL/v1/wallets/$WALLET_ID/balance" \\
  ${KEY}`);
  expect(balance).toMatchObject({ status: 200, body: { balance: 94.98, available: 94.98 } });
  const payment = await curl(`curl "$AGENTPAY_BASE_URL/v1/payments/$PAYMENT_ID" \\
  ${KEY}`);
  expect(payment).toMatchObject({ status: 200, body: { id: variables['PAYMENT_ID'], status: 'completed' } });
});

it('registers a webhook', async () => {
  const made = await curl(`curl -X POST "$AGENTPAY_BASE_URL/v1/webhooks" \\
  ${KEY} \\
  ${JSON_TYPE} \\
  -d '{
    "url": "https://example.com/agentpay/webhooks",
    "events": ["payment.completed", "payment.refunded"]
  }'`);
  expect(made).toMatchObject({ status: 201, body: { id: expect.stringMatching(/^wh_/) } });
  expect(made.body['secret']).toMatch(/^whsec_/);
});

it('finds a service, authorizes a call of it and registers one of its own', async () => {
  const feed = { name: 'MarketDataFeed', price_per_call: 0.005, category: 'data' };
  const service = await newService(api, await newAgent(api), feed);
  await api.http.post(`/v1/services/${service}/verification`).set('x-admin-key', ADMIN_KEY).expect(200);
  const found = await curl(`curl "$AGENTPAY_BASE_URL/v1/services?category=data&verified=true" \\
  ${KEY}`);
  const summary = { id: service, slug: 'marketdatafeed', price_per_call: 0.005, verified: true };
  expect(found).toMatchObject({ status: 200, body: { services: [summary], total: 1 } });
  variables['SERVICE_ID'] = service;

  const token = await curl(`curl -X POST "$AGENTPAY_BASE_URL/v1/services/$SERVICE_ID/authorize" \\
  ${KEY} \\
  ${JSON_TYPE} \\
  -d '{"from_wallet_id": "'$WALLET_ID'"}'`);
  expect(token).toMatchObject({ status: 201, body: { service_id: service, reserved_amount: 0.005 } });

  const own = await curl(`curl -X POST "$AGENTPAY_BASE_URL/v1/services" \\
  ${KEY} \\
  ${JSON_TYPE} \\
  -d '{
    "name": "WeatherAPI",
    "description": "Real-time weather data per query",
    "price_per_call": 0.002,
    "currency": "USD",
    "category": "data",
    "endpoint_url": "https://api.example.com/weather"
  }'`);
  expect(own).toMatchObject({ status: 201, body: { slug: 'weatherapi', status: 'active', trust_score: 50 } });
});

it('opens a dispute, lists it and adds evidence', async () => {
  const opened = await curl(`curl -X POST "$AGENTPAY_BASE_URL/v1/disputes" \\
  ${KEY} \\
  ${JSON_TYPE} \\
  -d '{
    "payment_id": "'$PAYMENT_ID'",
    "reason": "service_not_delivered",
    "description": "Provider returned 503 after token was consumed"
  }'`);
  const dispute = { status: 'open', payment_id: variables['PAYMENT_ID'], reason: 'service_not_delivered' };
  expect(opened).toMatchObject({ status: 201, body: dispute });
  variables['DISPUTE_ID'] = opened.body['id'] as string;
  const listed = await curl(`curl "$AGENTPAY_BASE_URL/v1/disputes?status=open" \\
  ${KEY}`);
  expect(listed).toMatchObject({ status: 200, body: { disputes: [{ id: opened.body['id'] }], total: 1 } });
  const evidence = await curl(`curl -X POST "$AGENTPAY_BASE_URL/v1/disputes/$DISPUTE_ID/evidence" \\
  ${KEY} \\
  ${JSON_TYPE} \\
  -d '{
    "type": "log_excerpt",
    "content": "HTTP 503 at 2026-05-08T11:59:01Z — no response body"
  }'`);
  expect(evidence.status).toBe(201);
});

it('pays out to a bank and lists payouts', async () => {
  const more = { amount: 400, source: 'test_faucet' };
  const path = `/v1/wallets/${variables['WALLET_ID']}/fund`;
  const auth = { authorization: `Bearer ${variables['AGENTPAY_API_KEY']}` };
  await api.http.post(path).set(auth).send(more).expect(200);
  const made = await curl(`curl -X POST "$AGENTPAY_BASE_URL/v1/payouts" \\
  ${KEY} \\
  ${JSON_TYPE} \\
  -d '{
    "from_wallet_id": "'$WALLET_ID'",
    "amount": 250.00,
    "destination_type": "bank",
    "destination": {
      "routing_number": "021000021",
      "account_number": "9876543210",
      "account_type": "checking",
      "account_holder": "Acme Corp"
    }
  }'`);
  expect(made).toMatchObject({
    status: 201,
    body: {
      id: expect.stringMatching(/^payout_/),
      status: 'pending',
      amount: 250,
      currency: 'USD',
      destination_type: 'bank',
      estimated_arrival: '2026-05-10',
      created_at: '2026-05-08T13:00:00Z',
    },
  });
  const listed = await curl(`curl "$AGENTPAY_BASE_URL/v1/payouts?status=pending" \\
  ${KEY}`);
  expect(listed).toMatchObject({ status: 200, body: { payouts: [{ id: made.body['id'] }], total: 1 } });
});

it('pays out to an address', async () => {
  // The document's address is cut short.
  const made = await curl(`curl -X POST "$AGENTPAY_BASE_URL/v1/payouts" \\
  ${KEY} \\
  ${JSON_TYPE} \\
  -d '{
    "from_wallet_id": "'$WALLET_ID'",
    "amount": 50.00,
    "destination_type": "crypto",
    "destination": {
      "address": "0xABCDEF0000000000000000000000000000000001",
      "network": "ethereum"
    }
  }'`);
  const payout = { status: 'pending', amount: 50, currency: 'USD', destination_type: 'crypto' };
  expect(made).toMatchObject({ status: 201, body: payout });
});

describe('the life of a token, by the table of the document', () => {
  const post = (path: string, data = '{}') =>
    curl(`curl -X POST "$AGENTPAY_BASE_URL${path}" ${KEY} ${JSON_TYPE} -d '${data}'`);
  const asConsumer = <T>(work: () => Promise<T>) => as('CONSUMER_KEY', work);
  const asProvider = <T>(work: () => Promise<T>) => as('PROVIDER_KEY', work);
  const buy = () =>
    asConsumer(() =>
      post('/v1/services/$SERVICE_ID/authorize', `{"from_wallet_id": "'$WALLET_ID'"}`).then(
        ({ body }) => body as Record<'token' | 'token_id', string>,
      ),
    );

  async function as<T>(name: string, work: () => Promise<T>): Promise<T> {
    variables['AGENTPAY_API_KEY'] = variables[name] as string;
    return work();
  }

  beforeAll(async () => {
    variables['CONSUMER_KEY'] = variables['AGENTPAY_API_KEY'] as string;
    const provider = await newAgent(api);
    variables['PROVIDER_KEY'] = provider.key;
    const fields = { price_per_call: 0.25, endpoint_url: 'https://api.example.com/table' };
    variables['SERVICE_ID'] = await newService(api, provider, fields);
  });

  it('is verified, started, accepted and completed, which settles it', async () => {
    const { token, token_id: id } = await buy();
    const verified = await asProvider(() => post('/v1/x402/verify', JSON.stringify({ token })));
    expect(verified).toMatchObject({ status: 200, body: { valid: true, amount: 0.25 } });
    expect(verified.body['service']).toMatchObject({ id: variables['SERVICE_ID'] });
    for (const [event, status] of [
      ['started', 'in_flight'],
      ['accepted', 'accepted'],
      ['completed', 'settled'],
    ])
      expect(await post(`/v1/x402/tokens/${id}/call-${event}`)).toMatchObject({
        status: 200,
        body: { token_id: id, status },
      });
    // The token is good for one call.
    expect((await post('/v1/x402/verify', JSON.stringify({ token }))).status).toBe(409);
  });

  it('is cancelled by its consumer while unused, which releases the money', async () => {
    const { token_id: id } = await buy();
    const cancelled = await curl(`curl -X DELETE "$AGENTPAY_BASE_URL/v1/x402/tokens/${id}" ${KEY}`);
    expect(cancelled).toMatchObject({ status: 200, body: { token_id: id, released_amount: 0.25 } });
  });

  it('is asked for at the address of the service', async () => {
    const url = encodeURIComponent('https://api.example.com/table');
    const asked = await curl(`curl "$AGENTPAY_BASE_URL/v1/x402/requirements?url=${url}" ${KEY}`);
    const offer = { service_id: variables['SERVICE_ID'], price: 0.25, header: 'X-Payment-Token' };
    expect(asked).toMatchObject({ status: 200, body: { accepts: [offer] } });
  });

  it('expires after five minutes', async () => {
    const { token } = await buy();
    api.clock.advance(5 * 60_000 + 1);
    const late = await asProvider(() => post('/v1/x402/verify', JSON.stringify({ token })));
    expect(late.body['error']).toMatchObject({ code: 'TOKEN_EXPIRED' });
    variables['AGENTPAY_API_KEY'] = variables['CONSUMER_KEY'] as string;
  });
});

it.each([
  ['a wallet of nobody', { from_wallet_id: 'wallet_01kb3x9v7f5m2q8r4t6w0y1z3b' }, 404, 'AP-1001'],
  ['more than the wallet has', { amount: 1_000_000 }, 402, 'AP-1001'],
  ['a rail without a connector', { rail: 'stripe' }, 422, 'SETTLEMENT_NOT_CONFIGURED'],
])('%s: a payment is refused by the code of the table', async (_, fields, status, code) => {
  const body = { from_wallet_id: variables['WALLET_ID'], to_external: 'merchant:demo', amount: 1, ...fields };
  const line = `curl -X POST "$AGENTPAY_BASE_URL/v1/payments" ${KEY} ${JSON_TYPE} -d '${JSON.stringify(body)}'`;
  const { status: told, body: refusal } = await curl(line);
  expect(told).toBe(status);
  expect(refusal['error']).toMatchObject({ code, hint: expect.stringMatching(/\w/) });
});

it('a second dispute of the same payment is named', async () => {
  const data = `'{"payment_id": "'$PAYMENT_ID'", "reason": "incorrect_amount"}'`;
  const again = await curl(`curl -X POST "$AGENTPAY_BASE_URL/v1/disputes" ${KEY} ${JSON_TYPE} -d ${data}`);
  expect(again).toMatchObject({ status: 409, body: { error: { code: 'DUPLICATE_DISPUTE' } } });
});

it.each([
  '/ai/tools?format=openai',
  '/ai/tools?format=gemini',
  '/ai/tools?format=langchain',
  '/ai/tools?format=autogen',
])('%s describes payments to its platform', async (path) => {
  const tools = await curl(`curl "$AGENTPAY_BASE_URL${path}"`);
  expect(tools.status).toBe(200);
  expect(JSON.stringify(tools.body)).toMatch(/"payments?_create|create_?payment/i);
});

it('serves the documents that other platforms read', async () => {
  const plugin = await curl('curl "$AGENTPAY_BASE_URL/.well-known/ai-plugin.json"');
  expect(plugin).toMatchObject({ status: 200, body: { api: { type: 'openapi' } } });
  const spec = await curl('curl "$AGENTPAY_BASE_URL/openapi/spec.json"');
  expect(spec).toMatchObject({ status: 200, body: { openapi: expect.stringMatching(/^3\.1/) } });
  expect(Object.keys(spec.body['paths'] as object)).toContain('/v1/payments');
});
