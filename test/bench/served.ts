import { pgliteDb } from '@agentpay/storage';
import { spawnNode, testDatabase } from '@agentpay/testing';
import { ask, startNode, type ApiNode } from '../stress/apiNode.js';
import { script } from './bed.js';
import { load, type Prepared } from './load.js';
import { expectStatus, failures, rounds, SECONDS } from './scenarios.js';
import { figure, markdownTable } from './table.js';

const AGENTS = 64;
const IN_FLIGHT = 64;
const LIVES_IN_FLIGHT = 16;
const limits = { RATE_LIMIT_PER_MINUTE: '1000000', RATE_LIMIT_BURST: '1000000' };

/** The API over HTTP against a bare Express route with one insert, and its embedded database against itself. Needs DATABASE_URL. */
export async function served(): Promise<string> {
  return [await onPostgres(), await embedded()].join('\n\n');
}

interface Agent {
  readonly key: string;
  readonly wallet: string;
}

async function join(api: ApiNode, name: string): Promise<Agent> {
  const made = await ask(api, '', 'POST /v1/agents', { name }, 201);
  const agent = { key: made['api_key'] as string, wallet: made['wallet_id'] as string };
  const funding = { amount: 10_000, source: 'test_faucet' };
  await ask(api, agent.key, `POST /v1/wallets/${agent.wallet}/fund`, funding);
  return agent;
}

async function onPostgres(): Promise<string> {
  const database = await testDatabase();
  const api = await startNode({ database: database.url }, limits);
  const bare = spawnNode(script('test/dist/bench/bareInsert.js'), { env: { DATABASE_URL: database.url } });
  try {
    const [, bareUrl = ''] = await bare.line(/^bare route on (http:\S+)$/);
    const people: Agent[] = [];
    for (let n = 0; n < AGENTS; n++) people.push(await join(api, `Agent ${n}`));
    const targets = [
      { name: 'bare Express route, one prepared insert', url: bareUrl, path: '/' },
      { name: 'payments', url: api.url, path: '/v1/payments' },
    ];
    const results = await rounds(targets, ({ url, path }) =>
      load({
        url,
        next: () => payment(path, people),
        concurrency: IN_FLIGHT,
        seconds: SECONDS,
        judge: expectStatus(201),
        pid: process.pid,
      }),
    );
    const base = results[0]?.perSecond ?? Number.NaN;
    const rows = results.map((result, i) => [
      targets[i]?.name ?? '',
      figure(result.perSecond, 0),
      figure(result.perSecond / base, 2),
      figure(result.p50, 1),
      figure(result.p99, 1),
      failures(result),
    ]);
    return markdownTable(
      [`over HTTP, ${IN_FLIGHT} in flight, PostgreSQL`, 'per s', 'of bare', 'p50 ms', 'p99 ms', 'failed'],
      rows,
    );
  } finally {
    await Promise.all([api.kill(), bare.kill()]);
    await database.drop();
  }
}

let turn = 0;

function payment(path: string, people: readonly Agent[]): Prepared {
  const n = ++turn;
  const [payer, payee] = [people[n % people.length], people[(n * 7 + 1) % people.length]] as [Agent, Agent];
  const to = payer === payee ? { to_external: 'shop' } : { to_wallet_id: payee.wallet };
  const order = { from_wallet_id: payer.wallet, ...to, amount: 0.001, idempotency_key: `k${n}` };
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${payer.key}` };
  return { path, method: 'POST', headers, body: Buffer.from(JSON.stringify(order)) };
}

async function embedded(): Promise<string> {
  const api = await startNode({ database: '' }, limits);
  const db = await pgliteDb();
  try {
    const [buyer, seller] = [await join(api, 'Buyer'), await join(api, 'Seller')];
    const offer = { name: 'Bench', price_per_call: '0.001' };
    const service = await ask(api, seller.key, 'POST /v1/services', offer, 201);
    const live = async () => {
      const order = { from_wallet_id: buyer.wallet };
      const path = `POST /v1/services/${service['id']}/authorize`;
      const { token, token_id: id } = await ask(api, buyer.key, path, order, 201);
      await ask(api, seller.key, 'POST /v1/x402/verify', { token });
      for (const step of ['call-started', 'call-accepted', 'call-completed'])
        await ask(api, seller.key, `POST /v1/x402/tokens/${id}/${step}`);
    };
    await db.exec(`create table plain (id text primary key, v jsonb, amount bigint);
      create table plain_counter (id int primary key, amount bigint);
      insert into plain_counter select i, 0 from generate_series(0, 1023) i`);
    const plain = () =>
      db.tx(async (tx) => {
        const n = ++turn;
        await tx.query('insert into plain values ($1, $2, $3)', [`x${n}`, '{"a":1}', 5]);
        await tx.query('update plain_counter set amount = amount + 1 where id = $1', [n % 1024]);
      });
    const base = await perSecond(plain);
    const lives = await perSecond(live);
    return markdownTable(
      [`embedded database, ${LIVES_IN_FLIGHT} in flight`, 'per s', 'of plain'],
      [
        ['plain transaction, in process', figure(base, 0), '1.00'],
        ['token life, five calls over HTTP', figure(lives, 1), figure(lives / base, 3)],
      ],
    );
  } finally {
    await db.close();
    await api.kill();
  }
}

async function perSecond(work: () => Promise<void>): Promise<number> {
  let done = 0;
  const began = performance.now();
  const worker = async () => {
    for (; performance.now() - began < SECONDS * 1000; done++) await work();
  };
  await Promise.all(Array.from({ length: LIVES_IN_FLIGHT }, worker));
  return done / ((performance.now() - began) / 1000);
}
