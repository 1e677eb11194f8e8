import type { Db } from '@agentpay/primitives';
import { pgDb } from '@agentpay/storage';
import { testDatabase, type TestDatabase } from '@agentpay/testing';
import { ask, send, startNode, type Reply, type ApiNode } from './apiNode.js';
import { contradictions } from './books.js';
import { balance, type Party } from './shop.js';

const ADMIN_KEY = 'k9vX3mQ7pL1wR5tY2uZ8aB4cD0eF6gH_';
/** Processes are started; on a busy machine that is most of a test's time. */
const TIMEOUT_MS = 300_000;

let database: TestDatabase;
let db: Db;
let nodes: ApiNode[];

beforeAll(async () => {
  database = await testDatabase();
  db = pgDb({ url: database.url, max: 3 });
  nodes = await Promise.all([start(), start()]);
}, TIMEOUT_MS);
afterEach(async () => expect(await contradictions(db)).toEqual([]));
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.kill()));
  await db.close();
  await database.drop();
});

const start = () => startNode({ database: database.url }, { ADMIN_KEY });
const nodeFor = (index: number) => nodes[index % nodes.length] as ApiNode;

async function join(name: string, funds = 0): Promise<Party & { id: string }> {
  const agent = await ask(nodeFor(0), '', 'POST /v1/agents', { name }, 201);
  const party = { id: agent['id'], key: agent['api_key'], wallet: agent['wallet_id'] };
  const body = { amount: funds, source: 'test_faucet' };
  if (funds > 0) await ask(nodeFor(0), party.key, `POST /v1/wallets/${party.wallet}/fund`, body);
  return party;
}

function pay(index: number, from: Party, to: Party, more: object = {}): Promise<Reply | undefined> {
  const body = { from_wallet_id: from.wallet, to_wallet_id: to.wallet, ...more };
  return send(nodeFor(index), from.key, 'POST /v1/payments', body);
}

/** A write of the operator of the platform. */
async function operator(path: string, body: object): Promise<void> {
  const answer = await fetch(`${nodeFor(0).url}${path}`, {
    method: 'POST',
    headers: { 'x-admin-key': ADMIN_KEY, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(answer.ok).toBe(true);
}

const all = <T>(count: number, make: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)));

function tally(answers: readonly (Reply | undefined)[]): Record<string, number> {
  const tallied: Record<string, number> = {};
  for (const answer of answers) {
    const outcome = [answer?.status, answer?.body['error']?.reason].filter(Boolean).join(' ');
    tallied[outcome] = (tallied[outcome] ?? 0) + 1;
  }
  return tallied;
}

describe('two API processes on one PostgreSQL', () => {
  it('100 payments race for the last cent: what is covered is paid, and not a unit more', async () => {
    const [payer, payee] = [await join('Payer', 0.502), await join('Payee')];
    const answers = await all(100, (index) => pay(index, payer, payee, { amount: 0.01 }));
    // 0.01 and its fee of 0.00004.
    expect(tally(answers)).toEqual({ 201: 50, '402 insufficient_funds': 50 });
    expect(await balance(nodeFor(1), payer)).toEqual({ available: 0, held: 0 });
    expect(await balance(nodeFor(0), payee)).toEqual({ available: 0.5, held: 0 });
  });

  it('50 requests with one idempotency key make one payment, and all answer with it', async () => {
    const [payer, payee] = [await join('Payer', 100), await join('Payee')];
    const order = { amount: 5, idempotency_key: 'order-1' };
    const answers = await all(50, (index) => pay(index, payer, payee, order));
    expect(tally(answers)).toEqual({ 201: 50 });
    expect(new Set(answers.map((answer) => answer?.body['id'])).size).toBe(1);
    expect(await balance(nodeFor(1), payer)).toEqual({ available: 94.98, held: 0 });
    expect(await balance(nodeFor(0), payee)).toEqual({ available: 5, held: 0 });
  });

  it('a daily cap of $150 lets 30 of 100 parallel payments of $5 pass', async () => {
    const [payer, payee] = [await join('Payer', 1_000), await join('Payee')];
    await operator('/v1/policies', { agent_id: payer.id, kind: 'daily', amount: 150 });
    const answers = await all(100, (index) => pay(index, payer, payee, { amount: 5 }));
    expect(tally(answers)).toEqual({ 201: 30, '403 daily_limit': 70 });
    const refused = answers.find((answer) => answer?.status === 403);
    expect(refused?.body).toMatchObject({
      code: 'AP-1002',
      error: { details: { limit: 150, remaining: expect.any(Number), resets_at: expect.any(String) } },
    });
    expect(await balance(nodeFor(1), payee)).toEqual({ available: 150, held: 0 });
  });

  it('one approval lets one of 20 parallel payments pass', async () => {
    const [payer, payee] = [await join('Payer', 1_000), await join('Payee')];
    await operator('/v1/policies', { agent_id: payer.id, kind: 'approval_over', amount: 10 });
    const asked = await all(20, (index) => pay(index, payer, payee, { amount: 50 }));
    expect(tally(asked)).toEqual({ '403 approval_required': 20 });
    const ids = new Set(asked.map((answer) => answer?.body['error'].details.approval_id as string));
    expect(ids.size).toBe(1);
    const [approval_id = ''] = ids;
    await operator(`/v1/approvals/${approval_id}/approve`, {});
    const answers = await all(20, (index) => pay(index, payer, payee, { amount: 50, approval_id }));
    expect(tally(answers)).toEqual({ 201: 1, '403 approval_used': 19 });
    expect(await balance(nodeFor(1), payee)).toEqual({ available: 50, held: 0 });
  });

  it('agents that pay each other crosswise over both do not deadlock, and no money is lost', async () => {
    const town = await all(6, (index) => join(`Agent ${index}`, 100));
    const answers = await all(180, (index) => {
      const [from, to] = [town[index % 6] as Party, town[(index * 5 + 1) % 6] as Party];
      return from === to ? Promise.resolve(undefined) : pay(index, from, to, { amount: 0.5 });
    });
    const paid = answers.filter((answer) => answer !== undefined);
    expect(tally(paid)).toEqual({ 201: paid.length });
    const balances = await Promise.all(town.map((agent) => balance(nodeFor(0), agent)));
    const total = balances.reduce((sum, { available }) => sum + available, 0);
    expect(total).toBeCloseTo(600 - paid.length * 0.002, 6);
  });

  it(
    'a process killed by SIGKILL in the middle of payments: each is made once or not at all, and can be asked again',
    async () => {
      const [payer, payee] = [await join('Payer', 1_000), await join('Payee')];
      const request = (index: number) => ({ amount: 1, idempotency_key: `kill-${index}` });
      let answered = 0;
      let killed: Promise<void> | undefined;
      const [first] = nodes as [ApiNode];
      const answers = await all(200, async (index) => {
        const answer = await pay(index, payer, payee, request(index));
        if (++answered === 40) killed = first.kill();
        return answer;
      });
      await killed;
      nodes[0] = await start();
      const known = answers.filter((answer) => answer?.status === 201).length;
      expect(known).toBeGreaterThanOrEqual(40);
      expect(answers.filter((answer) => answer !== undefined && answer.status !== 201)).toEqual([]);
      const again = await all(200, (index) => pay(index, payer, payee, request(index)));
      expect(tally(again)).toEqual({ 201: 200 });
      for (const [index, answer] of answers.entries())
        if (answer) expect(again[index]?.body['id']).toBe(answer.body['id']);
      expect(await balance(nodeFor(1), payee)).toEqual({ available: 200, held: 0 });
    },
    TIMEOUT_MS,
  );
});
