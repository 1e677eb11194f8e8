import { Agent } from 'node:http';
import { sleep, systemClock, type Db } from '@agentpay/primitives';
import { pgDb } from '@agentpay/storage';
import { spawnNode, testDatabase } from '@agentpay/testing';
import { exchange, startNode, type ApiNode } from '../stress/apiNode.js';
import { cardEvent } from '../stress/cardEvent.js';
import { script } from './bed.js';
import { load, median, percentile, send, type Reply } from './load.js';
import { expectStatus, SECONDS } from './scenarios.js';
import { figure, markdownTable } from './table.js';

const IN_FLIGHT = 64;
const ROUNDS = Number(process.env['ROUNDS'] ?? 3);
const CALLS = Number(process.env['CALLS'] ?? 1_000_000);
const REPORTS = 200;
const SECRET = 'whsec_0123456789abcdefghijklmnop';
const admin = { 'x-admin-key': 'operator-key-for-the-bench-0123456789' };
const own = { 'x-gateway-key': 'gw_live_0123456789abcdef0123456789abcdef' };
const env = {
  ADMIN_KEY: admin['x-admin-key'],
  BOOTSTRAP_GATEWAY_KEY: own['x-gateway-key'],
  SANDBOX_AUTO_APPROVE: 'true',
  OUTBOUND_LOOPBACK: 'true',
  STRIPE_WEBHOOK_SECRET: SECRET,
  RATE_LIMIT_PER_MINUTE: '1000000',
  RATE_LIMIT_BURST: '1000000',
};
const json = { 'content-type': 'application/json' };
const input = { task: 'summarize', text: 'Sales grew in the north and fell in the south.' };

/** Calls through the gateway against a bare proxying route to the same agent, and reports of a month. Needs DATABASE_URL. */
export async function gateway(): Promise<string> {
  const database = await testDatabase();
  const bare = (more: Record<string, string> = {}) =>
    spawnNode(script('test/dist/bench/bareProxy.js'), { env: more });
  const agent = bare();
  const [, agentUrl = ''] = await agent.line(/^bare proxy on (http:\S+)$/);
  const proxy = bare({ AGENT_URL: agentUrl });
  const [, proxyUrl = ''] = await proxy.line(/^bare proxy on (http:\S+)$/);
  const api = await startNode({ database: database.url }, env);
  try {
    const market = await openMarket(api, agentUrl);
    const [plain, whole]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      const body = Buffer.from(JSON.stringify({ input }));
      const next = () => ({ path: '/', method: 'POST', headers: json, body });
      const options = { url: proxyUrl, next, concurrency: IN_FLIGHT, seconds: SECONDS, pid: process.pid };
      plain.push((await load({ ...options, judge: expectStatus(200) })).perSecond);
      whole.push(await callsPerSecond(api.url, market.agentId));
    }
    const [base, calls] = [median(plain), median(whole)];
    const speed = markdownTable(
      [`over HTTP, ${IN_FLIGHT} in flight, PostgreSQL`, 'per s', 'of bare'],
      [
        ['bare proxying Express route', figure(base), '1.00'],
        [
          'gateway call, from the request to the response of the agent',
          figure(calls),
          figure(calls / base, 2),
        ],
      ],
    );
    return `${speed}\n\n${await reports(api, database.url, market)}`;
  } finally {
    await Promise.all([api.kill(), proxy.kill(), agent.kill()]);
    await database.drop();
  }
}

async function ok(api: ApiNode, headers: Record<string, string>, line: string, body: object) {
  const response = await exchange(api, { headers, line, body: JSON.stringify(body) });
  if (response?.status !== 200) throw new Error(`${line}: ${JSON.stringify(response)}`);
  return response.body;
}

/** A listing that the gateway has provisioned and has money for, and the key of its developer. */
interface Market {
  readonly agentId: string;
  readonly developer: { readonly 'x-developer-key': string };
}

async function openMarket(api: ApiNode, endpoint_url: string): Promise<Market> {
  const dev = await ok(api, {}, 'POST /developers/register', { email: 'dev@example.com', name: 'Dev Co' });
  const developer = { 'x-developer-key': String(dev['developer_key']) };
  const methods = [{ name: 'summarize', price_usdc: '0.01' }];
  const listing = { name: 'DataBot', category: 'analytics', endpoint_url, methods };
  const agent_id = String((await ok(api, developer, 'POST /marketplace/agents', listing))['agent_id']);
  await ok(api, admin, `POST /admin/marketplace/agents/${agent_id}/approve`, {});
  await ok(api, own, 'POST /gateway/provision', { agent_id, quota_usdc: '9000000.00' });
  const funding = await ok(api, own, 'POST /gateway/fund', { amount_usdc: '1000000.00', source: 'stripe' });
  const came = cardEvent({ fundingId: String(funding['funding_id']), cents: 100_000_000, secret: SECRET });
  if ((await exchange(api, came))?.status !== 200) throw new Error('The gateway was not funded.');
  return { agentId: agent_id, developer };
}

/** Whole calls: each is asked for, and its end waited for. */
async function callsPerSecond(url: string, agent_id: string): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });
  const body = Buffer.from(JSON.stringify({ agent_id, input }));
  const headers = { ...own, ...json };
  const began = performance.now();
  let done = 0;
  const worker = async () => {
    while (performance.now() - began < SECONDS * 1000) {
      const queued = await send(agent, url, { path: '/gateway/call', method: 'POST', headers, body });
      const { call_id } = read(queued) as { call_id: string };
      const path = `/gateway/calls/${call_id}?wait=20`;
      const ended = read(await send(agent, url, { path, method: 'GET', headers: own }));
      if (ended['status'] !== 'completed') throw new Error(`A call is ${JSON.stringify(ended)}.`);
      done++;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  agent.destroy();
  return done / ((performance.now() - began) / 1000);
}

function read({ status, body }: Reply): Record<string, unknown> {
  if (status !== 200) throw new Error(`HTTP ${status}: ${body}`);
  return JSON.parse(body) as Record<string, unknown>;
}

/** Reports of a month after so many calls, which are copies of one, and how many of those calls were read for them. */
async function reports(api: ApiNode, databaseUrl: string, { agentId, developer }: Market): Promise<string> {
  const db = pgDb({ url: databaseUrl, max: 1, statementTimeoutMs: 600_000 });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const wanted: readonly [string, Record<string, string>][] = [
    ['/gateway/usage', own],
    ['/developers/earnings', developer],
    ['/usage/forecast', developer],
    [`/marketplace/agents/${agentId}/sla`, {}],
    [`/marketplace/agents/${agentId}/sla-report`, {}],
    ['/admin/stats', admin],
    ['/admin/reliability', admin],
  ];
  try {
    await fill(db);
    const before = await callsRead(db);
    const rows: string[][] = [];
    for (const [path, headers] of wanted) {
      const times: number[] = [];
      for (let n = 0; n < REPORTS; n++) {
        const began = performance.now();
        read(await send(agent, api.url, { path, method: 'GET', headers }));
        times.push(performance.now() - began);
      }
      times.sort((a, b) => a - b);
      rows.push([
        `GET ${path.replace(agentId, '{id}')}`,
        figure(median(times), 1),
        figure(percentile(times, 0.99), 1),
      ]);
    }
    const table = markdownTable(
      [`a month with ${figure(CALLS)} calls, one at a time`, 'p50 ms', 'p99 ms'],
      rows,
    );
    return `${table}\n\nRows of calls that were read for these reports: ${(await callsRead(db)) - before}.`;
  } finally {
    agent.destroy();
    await db.close();
  }
}

/** Copies of one call of this month, and how they were answered by fifty agents in sixty days. */
async function fill(db: Db): Promise<void> {
  await db.exec(`set session_replication_role = replica;
    create temp table one as select * from gateway_calls where status = 'completed' limit 1;
    update one set idempotency_key = null;
    insert into gateway_calls select r.*
      from one, generate_series(1, ${CALLS}) as i,
        lateral jsonb_populate_record(one, jsonb_build_object('id', 'call_' || i)) as r;
    update gateway_usage set calls = calls + ${CALLS};
    insert into listing_calls select 'agt_' || agent, (now()::date - day)::text, class::text, 600
      from generate_series(1, 50) as agent, generate_series(0, 59) as day, generate_series(1, 30) as class;
    analyze gateway_calls; analyze listing_calls`);
}

/** Rows of calls that all sessions have read so far; PostgreSQL counts them a second late. */
async function callsRead(db: Db): Promise<bigint> {
  await sleep(systemClock, 3_000);
  const [row] = await db.query<{ read: bigint }>(
    `select (seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint as read from pg_stat_user_tables where relname = 'gateway_calls'`,
  );
  return row?.read ?? 0n;
}
