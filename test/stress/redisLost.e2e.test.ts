import type { Db } from '@agentpay/primitives';
import { pgDb } from '@agentpay/storage';
import { eventually, startRedis, testDatabase, type RedisServer, type TestDatabase } from '@agentpay/testing';
import { ask, send, startNode, type ApiNode } from './apiNode.js';
import { contradictions, keptTokens } from './books.js';
import { letTimePass } from './letTimePass.js';
import { balance, buy, FUNDS, openShop, take, type Bought, type Shop } from './shop.js';

let database: TestDatabase;
let db: Db;
let redis: RedisServer;
const nodes: ApiNode[] = [];

beforeEach(async () => {
  [database, redis] = await Promise.all([testDatabase(), startRedis()]);
  db = pgDb({ url: database.url, max: 3 });
});
afterEach(async () => {
  expect(await contradictions(db)).toEqual([]);
  await Promise.all(nodes.splice(0).map((node) => node.kill()));
  await redis.stop();
  await db.close();
  await database.drop();
});

/** A node on the PostgreSQL and, unless told otherwise, the Redis that all share. */
async function addNode(env: Record<string, string> = {}, withRedis = true): Promise<ApiNode> {
  const node = await startNode({ database: database.url, ...(withRedis && { redis: redis.url }) }, env);
  nodes.push(node);
  return node;
}

const repeat = <T>(times: number, make: (index: number) => T) =>
  Promise.all(Array.from({ length: times }, (_, index) => make(index)));
const tracked = (node: ApiNode) => async () =>
  expect((await ask(node, '', 'GET /readyz'))['checks']['tracker']).toBe('ok');

/** What befalls Redis, and what ends it. */
const faults = [
  { fault: 'stopped and started again', strike: () => redis.stop(), heal: () => redis.start() },
  { fault: 'frozen and thawed', strike: async () => redis.freeze(), heal: async () => redis.thaw() },
  { fault: 'flushed', strike: () => redis.flush(), heal: async () => undefined },
];

describe('API nodes on a Redis that is lost in a storm of verifies', () => {
  const TOKENS = 5;
  const VERIFIES = 20;

  const ONCE = [200, ...Array<number>(VERIFIES - 1).fill(409)];
  const NEVER = Array<number>(VERIFIES).fill(409);

  /** Verifies each token 20 times over both nodes at once; `meanwhile` begins when a quarter of the answers are there. */
  async function verifyAll(
    shop: Shop,
    tokens: readonly Bought[],
    expected: number[],
    meanwhile = async () => {},
  ): Promise<void> {
    let responses = 0;
    let disturbance = Promise.resolve();
    const verify = async (token: Bought, index: number) => {
      const response = await take('verify', nodes[index % nodes.length] as ApiNode, shop, token);
      if (++responses === (TOKENS * VERIFIES) / 4) disturbance = meanwhile();
      return response?.status;
    };
    const statuses = await Promise.all(
      tokens.map((token) => repeat(VERIFIES, (index) => verify(token, index))),
    );
    await disturbance;
    expect(statuses.map((each) => each.sort())).toEqual(tokens.map(() => expected));
  }

  it.each(faults)(
    '$fault: every token is redeemed exactly once, and no request hangs',
    async ({ strike, heal }) => {
      const [node] = await repeat(2, () => addNode());
      const shop = await openShop(node as ApiNode);
      const fresh = () => repeat(TOKENS, () => buy(node as ApiNode, shop));
      const [before, during] = [await fresh(), await fresh()];

      await verifyAll(shop, before, ONCE, strike);
      await verifyAll(shop, await fresh(), ONCE);
      await verifyAll(shop, during, ONCE, heal);
      await Promise.all(nodes.map((each) => eventually(tracked(each))));
      await verifyAll(shop, await fresh(), ONCE);
      for (const tokens of [before, during]) await verifyAll(shop, tokens, NEVER);

      const states = [...(await keptTokens(db)).values()].map(({ state }) => state);
      expect(states).toEqual(Array(4 * TOKENS).fill('redeemed'));
    },
  );
});

describe('tokens that run out while Redis is lost', () => {
  it.each([
    ...faults.map((each) => ({ ...each, back: true })),
    {
      fault: 'stopped for good, with a new node that does without',
      strike: () => redis.stop(),
      heal: async () => undefined,
      back: false,
    },
  ])('$fault: every one of them is released, and its money is back', async ({ strike, heal, back }) => {
    const node = await addNode();
    const shop = await openShop(node);
    // From reserved to accepted: two kinds of expiry, two of breach.
    await repeat(12, (index) => buy(node, shop, 1 + (index % 4)));
    expect((await balance(node, shop.buyer)).held).toBe(0.06);
    await strike();
    await heal();
    await letTimePass(db, back ? redis.url : undefined);

    await addNode({}, back);
    await eventually(async () =>
      expect(await balance(node, shop.buyer)).toEqual({ available: FUNDS, held: 0 }),
    );
    const states = [...(await keptTokens(db)).values()].map(({ state }) => state);
    expect(states.sort()).toEqual([...Array(6).fill('expired'), ...Array(6).fill('sla_breached')]);
  });
});

describe('the rate limit without Redis', () => {
  it('holds on each node by itself', async () => {
    const BURST = 15;
    const limited = { RATE_LIMIT_PER_MINUTE: '1', RATE_LIMIT_BURST: `${BURST}` };
    const [one, other] = (await repeat(2, () => addNode(limited))) as [ApiNode, ApiNode];
    const { buyer } = await openShop(one);
    await redis.stop();
    for (const node of [one, other]) {
      const responses = await repeat(BURST + 5, () => send(node, buyer.key, 'GET /v1/agents'));
      const statuses = responses.map((response) => response?.status);
      expect(statuses.sort()).toEqual([...Array(BURST).fill(200), ...Array(5).fill(429)]);
      const refused = responses.find((response) => response?.status === 429);
      expect(refused?.body['code']).toBe('AP-3002');
      expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
    }
  });
});
