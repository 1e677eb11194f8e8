import { seededRandom, type Db } from '@agentpay/primitives';
import { pgDb } from '@agentpay/storage';
import { eventually, testDatabase, type TestDatabase } from '@agentpay/testing';
import { send, startNode, type ApiNode } from './apiNode.js';
import { contradictions, keptTokens } from './books.js';
import { commitGate, type Catch, type CommitGate } from './commitGate.js';
import {
  balance,
  buy,
  FUNDS,
  money,
  NET,
  openShop,
  PRICE,
  stateAfter,
  steps,
  take,
  type Bought,
  type Shop,
  type Step,
} from './shop.js';
import { below, storm, type Sale } from './storm.js';

/** Each test starts several processes; on a busy machine that is most of its time. */
const TIMEOUT_MS = 300_000;

let database: TestDatabase;
let db: Db;

beforeEach(async () => {
  database = await testDatabase();
  db = pgDb({ url: database.url, max: 3 });
});
afterEach(async () => {
  await db.close();
  await database.drop();
});

describe('an API node killed by SIGKILL at a commit', () => {
  let gate: CommitGate;
  let node: ApiNode;
  let shop: Shop;
  const start = () => startNode({ database: gate.url });

  beforeEach(async () => {
    gate = await commitGate(database.url);
    node = await start();
    shop = await openShop(node);
  });
  afterEach(async () => {
    await node.kill();
    await gate.close();
    expect(await contradictions(db)).toEqual([]);
  });

  /** Kills the node at the commit of a step, each of which is a batch, and starts another one. The step is not answered. */
  async function killedAt(where: Catch, step: Step, bought: Bought): Promise<void> {
    const caught = gate.catchBatch(where);
    const response = take(step, node, shop, bought);
    await caught;
    await node.kill();
    expect(await response).toBeUndefined();
    node = await start();
    expect(await contradictions(db)).toEqual([]);
  }

  it(
    'before it: the step has not happened, and the same request again does it',
    async () => {
      const bought: Bought = {};
      for (const [index, step] of steps.entries()) {
        await killedAt('before', step, bought);
        const states = [...(await keptTokens(db)).values()].map((token) => token.state);
        expect(states).toEqual(index === 0 ? [] : [stateAfter[steps[index - 1] as Step]]);
        expect((await take(step, node, shop, bought))?.status).toBe(step === 'authorize' ? 201 : 200);
      }
      expect(await balance(node, shop.buyer)).toEqual({ available: money(FUNDS - PRICE), held: 0 });
      expect(await balance(node, shop.seller)).toEqual({ available: NET, held: 0 });
    },
    TIMEOUT_MS,
  );

  it(
    'after it: the step has happened once, and the same request again does not repeat it',
    async () => {
      await killedAt('after', 'authorize', {});
      expect(await balance(node, shop.buyer)).toEqual({ available: money(FUNDS - PRICE), held: PRICE });
      const unknown = [...(await keptTokens(db)).keys()];

      const bought: Bought = await buy(node, shop);
      for (const step of steps.slice(1)) {
        await killedAt('after', step, bought);
        expect((await keptTokens(db)).get(bought.tokenId as string)?.state).toBe(stateAfter[step]);
        const again = await take(step, node, shop, bought);
        if (step === 'verify')
          expect(again).toMatchObject({ status: 409, body: { error: { reason: 'token_already_redeemed' } } });
        else expect(again).toMatchObject({ status: 200, body: { status: stateAfter[step] } });
      }
      expect([...(await keptTokens(db)).keys()].sort()).toEqual([...unknown, bought.tokenId].sort());
      expect(await balance(node, shop.buyer)).toEqual({ available: money(FUNDS - 2 * PRICE), held: PRICE });
      expect(await balance(node, shop.seller)).toEqual({ available: NET, held: 0 });
    },
    TIMEOUT_MS,
  );
});

describe('API nodes, one killed by SIGKILL in a storm of calls and started again', () => {
  const nodes: ApiNode[] = [];
  const start = () => startNode({ database: database.url });
  afterEach(async () => void (await Promise.all(nodes.splice(0).map((node) => node.kill()))));

  /**
   * Stops the first node at the response that the seed names, and kills it once something was asked of it that it cannot answer any more; a
   * storm over two nodes goes on for a while with the other.
   */
  async function stormWithKill(shop: Shop, seed: number): Promise<Sale[]> {
    const random = seededRandom(seed);
    const killAt = 200 + below(random, 256);
    const ended = new AbortController();
    const alone = nodes.length === 1;
    const [victim] = nodes as [ApiNode];
    let stopped = false;
    let killed: Promise<void> | undefined;
    const onResponse = (count: number) => {
      if (count === killAt) stopped = process.kill(victim.pid, 'SIGSTOP');
      if (!alone && count === killAt + 300) ended.abort();
    };
    const onAsk = (node: ApiNode) => {
      if (!stopped || killed || node !== victim) return;
      killed = nodes.shift()?.kill();
      if (alone) ended.abort();
    };
    const sales = await storm(shop, { nodes, random, onAsk, onResponse, signal: ended.signal });
    await killed;
    return sales;
  }

  it.each([
    [1, 11],
    [1, 12],
    [2, 13],
  ])(
    'of %d nodes, seed %d: no hold is lost or doubled, and what nobody finishes returns',
    async (count, seed) => {
      nodes.push(...(await Promise.all(Array.from({ length: count }, start))));
      const shop = await openShop(nodes[0] as ApiNode);
      const sales = await stormWithKill(shop, seed);
      expect(await contradictions(db)).toEqual([]);
      await expectAnswersKept(sales);

      // The time of all of them is over.
      await db.query(
        `update payment_tokens set deadline = date_trunc('milliseconds', now()) where deadline is not null`,
      );
      const node = await start();
      nodes.push(node);
      await expectCompletedOnce(node, shop, sales);
      await eventually(async () => expect(await balance(node, shop.buyer)).toMatchObject({ held: 0 }));

      expect(await contradictions(db)).toEqual([]);
      const settled = [...(await keptTokens(db)).values()].filter(({ state }) => state === 'settled').length;
      expect(await balance(node, shop.buyer)).toEqual({ available: money(FUNDS - settled * PRICE), held: 0 });
      expect(await balance(node, shop.seller)).toEqual({ available: money(settled * NET), held: 0 });
    },
    TIMEOUT_MS,
  );

  /** What was answered with success is in the books, and of what was not answered there is at most one step more. */
  async function expectAnswersKept(sales: readonly Sale[]): Promise<void> {
    const kept = await keptTokens(db);
    const known = sales.filter((sale) => sale.tokenId !== undefined);
    expect(known.filter((sale) => sale.reached === 'call-completed').length).toBeGreaterThan(5);
    const lost = sales.filter((sale) => sale.lost !== undefined);
    expect(lost.length).toBeGreaterThan(0);
    expect(sales.filter((sale) => ![undefined, 409, 410].includes(sale.refused))).toEqual([]);
    for (const { tokenId = '', reached, lost: unanswered, paymentId } of known) {
      const token = kept.get(tokenId);
      expect(token).toBeDefined();
      const possible = [reached, unanswered]
        .filter((step) => step !== undefined)
        .map((step) => stateAfter[step]);
      if (reached === 'call-completed') expect(token).toMatchObject({ state: 'settled', paymentId });
      else expect([...possible, 'expired', 'sla_breached']).toContain(token?.state);
    }
    const unknown = kept.size - known.length;
    expect(unknown).toBeLessThanOrEqual(lost.filter((sale) => sale.lost === 'authorize').length);
  }

  /** call-completed said again, twice: the answers agree with each other, with the first one, and with the books. */
  async function expectCompletedOnce(node: ApiNode, shop: Shop, sales: readonly Sale[]): Promise<void> {
    const completed = sales.filter((sale) => [sale.reached, sale.lost].includes('call-completed'));
    for (const { tokenId, paymentId } of completed) {
      const again = () => send(node, shop.seller.key, `POST /v1/x402/tokens/${tokenId}/call-completed`);
      const [first, second] = [await again(), await again()];
      expect([second?.status, second?.body['payment_id']]).toEqual([
        first?.status,
        first?.body['payment_id'],
      ]);
      if (paymentId !== undefined)
        expect(first).toMatchObject({ status: 200, body: { status: 'settled', payment_id: paymentId } });
      else
        expect(first?.status === 200 ? first.body['status'] : first?.body['error'].reason).toMatch(
          /^(settled|sla_breached)$/,
        );
    }
  }
});
