import type { Db } from '@agentpay/primitives';
import { pgDb } from '@agentpay/storage';
import { eventually, startRedis, testDatabase, type RedisServer, type TestDatabase } from '@agentpay/testing';
import { ask, startNode, type Reply, type ApiNode } from './apiNode.js';
import { contradictions, keptTokens } from './books.js';
import { letTimePass } from './letTimePass.js';
import { balance, buy, FUNDS, money, NET, openShop, PRICE, take, type Bought, type Shop } from './shop.js';

/** Two processes are started; on a busy machine that is most of the time. */
const TIMEOUT_MS = 300_000;
/** Calls that are completed before the time of the others is over. */
const PAID_FIRST = 10;

let database: TestDatabase;
let db: Db;
let redis: RedisServer;
let nodes: ApiNode[] = [];

beforeAll(async () => {
  [database, redis] = await Promise.all([testDatabase(), startRedis()]);
  db = pgDb({ url: database.url, max: 3 });
  nodes = await Promise.all(
    [1, 2].map(() => startNode({ database: database.url, redis: redis.url }, { TOKEN_TTL_SECONDS: '3600' })),
  );
  for (const node of nodes)
    await eventually(async () =>
      expect((await ask(node, '', 'GET /readyz'))['checks']['tracker']).toBe('ok'),
    );
}, TIMEOUT_MS);
afterEach(async () => expect(await contradictions(db)).toEqual([]));
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.kill()));
  await redis?.stop();
  await db?.close();
  await database?.drop();
});

const nodeFor = (index: number) => nodes[index % nodes.length] as ApiNode;
const repeat = <T>(times: number, make: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: times }, (_, index) => make(index)));
/** What a response says, in short. */
const outcome = (answer: Reply | undefined) =>
  [answer?.status, answer?.body['error']?.reason].filter((each) => each !== undefined).join(' ');

function tally(outcomes: readonly string[]): Record<string, number> {
  const tallied: Record<string, number> = {};
  for (const each of outcomes) tallied[each] = (tallied[each] ?? 0) + 1;
  return tallied;
}

describe('two API processes on one PostgreSQL and one Redis', () => {
  it('of 50 verifies of one token over both one redeems it', async () => {
    const shop = await openShop(nodeFor(0));
    for (let round = 0; round < 3; round++) {
      const bought = await buy(nodeFor(round), shop);
      const answers = await repeat(50, (index) => take('verify', nodeFor(index), shop, bought));
      expect(tally(answers.map(outcome))).toEqual({ 200: 1, '409 token_already_redeemed': 49 });
    }
  });

  it('completed races the breaches that both trackers find: each call is paid or given back, and all answers say which', async () => {
    const shop = await openShop(nodeFor(0));
    const accepted = (count: number) => repeat(count, (index) => buy(nodeFor(index), shop, 4));
    const [racing, late, silent] = [await accepted(40), await accepted(5), await accepted(5)];

    const racingAnswers = await raceTime(shop, racing);
    const lateAnswers = await Promise.all(late.map((bought) => completeOnBoth(shop, bought)));
    expect(new Set(lateAnswers.flat())).toEqual(new Set(['409 sla_breached']));

    // Nobody says anything about these.
    const states = async () => {
      const kept = await keptTokens(db);
      return (some: readonly Bought[]) => some.map(({ tokenId = '' }) => kept.get(tokenId)?.state);
    };
    await eventually(async () =>
      expect((await states())(silent)).toEqual(Array(silent.length).fill('sla_breached')),
    );

    const of = await states();
    expect(racingAnswers).toEqual(
      of(racing).map((state) => Array(2).fill(state === 'settled' ? '200' : '409 sla_breached')),
    );
    const settled = of(racing).filter((state) => state === 'settled').length;
    expect(settled).toBeGreaterThanOrEqual(PAID_FIRST);
    await expectPaid(shop, { settled, breached: racing.length + late.length + silent.length - settled });
  });
});

/** Both processes are told that the call is done, at once. */
async function completeOnBoth(shop: Shop, bought: Bought): Promise<string[]> {
  const told = nodes.map((node) => take('call-completed', node, shop, bought));
  return (await Promise.all(told)).map(outcome);
}

/**
 * Completes calls, a few at a time; once some of them have been answered, the time of all others is over, which the trackers of both
 * processes find while calls go on being completed.
 */
async function raceTime(shop: Shop, racing: readonly Bought[]): Promise<string[][]> {
  const answers: string[][] = [];
  let answered = 0;
  let next = 0;
  let passing: Promise<void> | undefined;
  const work = async () => {
    while (next < racing.length) {
      const index = next++;
      answers[index] = await completeOnBoth(shop, racing[index] as Bought);
      if (++answered === PAID_FIRST) passing = letTimePass(db, redis.url);
    }
  };
  await repeat(3, work);
  await passing;
  return answers;
}

/** Money and events say the same. */
async function expectPaid(shop: Shop, { settled, breached }: { settled: number; breached: number }) {
  expect(await balance(nodeFor(1), shop.buyer)).toEqual({
    available: money(FUNDS - settled * PRICE),
    held: 0,
  });
  expect(await balance(nodeFor(0), shop.seller)).toEqual({ available: money(settled * NET), held: 0 });
  const told = await db.query<{ type: string; n: number }>(
    `select type, count(*)::integer as n from events
     where type in ('token.settled', 'token.sla_breached') and data->>'service_id' = $1 group by 1 order by 1`,
    [shop.serviceId],
  );
  expect(told).toEqual([
    { type: 'token.settled', n: settled },
    { type: 'token.sla_breached', n: breached },
  ]);
}
