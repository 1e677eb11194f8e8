import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLogger, readConfig, start, type RunningServer } from '@agentpay/server';
import { eventually, freePort, testDatabase, type TestDatabase } from '@agentpay/testing';
import { attributesOf, startCollector, type Collector, type Span } from './collector.js';

const ADMIN_KEY = 'operator-key-for-the-tests-0123456789';
const JWT_SECRET = 'secret-of-the-tests-that-signs-0123456789';

let database: TestDatabase;
let collector: Collector;
let receiver: Server;

beforeAll(async () => {
  [database, collector] = await Promise.all([testDatabase(), startCollector()]);
  receiver = createServer((_request, response) => response.end()).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
});
afterAll(async () => {
  receiver?.closeAllConnections();
  receiver?.close();
  collector?.close();
  await database?.drop();
});

function startApi(endpoint?: string): Promise<RunningServer> {
  const env = { PORT: '0', DATABASE_URL: database.url, JWT_SECRET, ADMIN_KEY, OUTBOUND_LOOPBACK: 'true' };
  const config = readConfig({ ...env, ...(endpoint && { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }) });
  return start(config, { log: createLogger('silent') });
}

interface Reply {
  readonly status: number;
  // The shapes are tested elsewhere; here they are only picked from.
  readonly body: Record<string, any>;
}

async function post(url: string, body: object, headers: Record<string, string> = {}): Promise<Reply> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Reply['body'] };
}

/** An agent with money whose webhook listens, and a payment that it makes. */
async function act({ url }: RunningServer, traceparent: string) {
  const { body: agent } = await post(`${url}/v1/agents`, { name: 'Payer' });
  const auth = { authorization: `Bearer ${agent['api_key']}` };
  const fund = { amount: 10, source: 'test_faucet' };
  await post(`${url}/v1/wallets/${agent['wallet_id']}/fund`, fund, auth);
  const hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/secret-path`;
  const { body: webhook } = await post(`${url}/v1/webhooks`, { url: hook, events: ['payment.*'] }, auth);
  const order = { from_wallet_id: agent['wallet_id'], to_external: 'shop', amount: 1 };
  const paid = await post(`${url}/v1/payments`, order, { ...auth, traceparent });
  const refused = await post(`${url}/v1/payments`, { ...order, amount: 1_000 }, auth);
  expect([paid.status, refused.status]).toEqual([201, 402]);
  return { key: agent['api_key'] as string, secret: webhook['secret'] as string, auth };
}

const figures = async ({ url }: RunningServer) =>
  (await fetch(`${url}/metrics`, { headers: { 'x-admin-key': ADMIN_KEY } })).text();

it('requests, what the core does for them, batches and deliveries are seen in traces and figures', async () => {
  const api = await startApi(collector.url);
  const [traceId, parent] = ['1'.repeat(32), '2'.repeat(16)];
  const { key, secret } = await act(api, `00-${traceId}-${parent}-01`);
  const wanted = [
    /^agentpay_api_webhook_delivery_attempts_count\{state="delivered"\} 1$/m,
    /^agentpay_api_webhook_attempts_total\{result="2xx"\} 1$/m,
    /^agentpay_api_job_runs_total\{job="payments.progress",result="done"\} [1-9]/m,
    /^agentpay_api_batches_total\{result="written"\} [1-9]/m,
    /^agentpay_api_webhook_deliveries_pending 0$/m,
  ];
  await eventually(async () => {
    const text = await figures(api);
    for (const figure of wanted) expect(text).toMatch(figure);
  });
  await api.close();

  const spans = collector.spans();
  const named = (name: string) => spans.filter((span) => span.name === name);
  const [paid] = named('runtime.payments.create').filter((span) => span.traceId === traceId) as [Span];
  expect(paid.parentSpanId).toBe(parent);
  expect(attributesOf(paid)).toMatchObject({
    'http.request.method': 'POST',
    'http.route': '/v1/payments',
    'agentpay.result': 'ok',
  });
  const below = ({ spanId }: Span) => spans.filter(({ parentSpanId }) => parentSpanId === spanId);
  expect(below(paid).map(({ name }) => name)).toContain('core payments.create');
  const results = named('runtime.payments.create').map((span) => attributesOf(span)['agentpay.result']);
  expect(results.sort()).toEqual(['insufficient_funds', 'ok']);
  const batches = named('batch');
  expect(batches.length).toBeGreaterThan(0);
  for (const batch of batches) {
    expect(batch.parentSpanId ?? '').toBe('');
    expect(attributesOf(batch)['agentpay.batch_size']).toBeGreaterThan(0);
  }
  expect(attributesOf(named('outbound POST')[0] as Span)).toMatchObject({ 'http.response.status_code': 200 });
  const all = collector.texts.join('\n');
  expect(all).toContain('"agentpay-api"');
  for (const hidden of [key, secret, 'secret-path', ADMIN_KEY, JWT_SECRET]) expect(all).not.toContain(hidden);
});

it('a collector that is away holds up nothing', async () => {
  const api = await startApi(`http://127.0.0.1:${await freePort()}`);
  await act(api, `00-${'3'.repeat(32)}-${'4'.repeat(16)}-01`);
  await api.close();
});
