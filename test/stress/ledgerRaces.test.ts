import type { Db } from '@agentpay/primitives';
import { pgDb } from '@agentpay/storage';
import { testDatabase, type TestDatabase } from '@agentpay/testing';
import { ask, send, startNode, type Reply, type ApiNode } from './apiNode.js';
import { contradictions, keptTokens } from './books.js';
import { balance, buy, money, NET, offer, openShop, PRICE, steps, take, type Shop } from './shop.js';

let database: TestDatabase;
let db: Db;
let nodes: ApiNode[];

beforeAll(async () => {
  database = await testDatabase();
  db = pgDb({ url: database.url, max: 3 });
  nodes = await repeat(2, () => startNode({ database: database.url }));
});
afterEach(async () => expect(await contradictions(db)).toEqual([]));
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.kill()));
  await db.close();
  await database.drop();
});

const repeat = <T>(times: number, make: () => Promise<T>) => Promise.all(Array.from({ length: times }, make));
const nodeFor = (index: number) => nodes[index % 2] as ApiNode;

/** Calls `make` with 0, 1, 2, ...: `rounds` times one after the other in each of `lanes` lanes at once. */
async function race<T>(lanes: number, rounds: number, make: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let index = 0;
  await repeat(lanes, async () => {
    for (let round = 0; round < rounds; round++) results.push(await make(index++));
  });
  return results;
}

function tally(answers: readonly (Reply | undefined)[]): Record<string, number> {
  const tallied: Record<string, number> = {};
  for (const answer of answers) {
    const outcome = [answer?.status, answer?.body['code'], answer?.body['error']?.reason]
      .filter(Boolean)
      .join(' ');
    tallied[outcome] = (tallied[outcome] ?? 0) + 1;
  }
  return tallied;
}

describe('two API nodes on one PostgreSQL', () => {
  it('200 authorizes race for the last cents: as many as are covered get a token, the others 402', async () => {
    const shop = await openShop(nodeFor(0), { funds: 0.603 });
    const before = (await keptTokens(db)).size;
    const answers = await race(50, 4, (index) => take('authorize', nodeFor(index), shop, {}));
    expect(tally(answers)).toEqual({ 201: 120, '402 AP-1001 insufficient_funds': 80 });
    expect((await keptTokens(db)).size).toBe(before + 120);
    expect(await balance(nodeFor(1), shop.buyer)).toEqual({ available: 0.003, held: 0.6 });
  });

  it('completed, failed and verified again race on one token: it is paid or refunded, on both nodes alike', async () => {
    const shop = await openShop(nodeFor(0));
    const before = await balance(nodeFor(0), shop.buyer);
    let settled = 0;
    for (let round = 0; round < 10; round++) {
      const { tokenId, signed } = await buy(nodeFor(round), shop, 4);
      const completed = () =>
        send(nodeFor(round), shop.seller.key, `POST /v1/x402/tokens/${tokenId}/call-completed`);
      const failed = () =>
        send(nodeFor(round + 1), shop.seller.key, `POST /v1/x402/tokens/${tokenId}/call-failed`);
      const verified = () => take('verify', nodeFor(round), shop, { signed });
      const racing = [completed, failed, verified];
      const answers = await Promise.all((round % 2 === 0 ? racing : racing.reverse()).map((call) => call()));
      const state = (await keptTokens(db)).get(tokenId)?.state;
      expect(tally(answers)).toEqual({
        200: 1,
        [`409 AP-1001 ${state}`]: 1,
        '409 AP-1001 token_already_redeemed': 1,
      });
      if (state === 'settled') settled++;
      else expect(state).toBe('failed');
    }
    expect(await balance(nodeFor(1), shop.buyer)).toEqual({
      available: money(before.available - settled * PRICE),
      held: 0,
    });
    expect(await balance(nodeFor(1), shop.seller)).toEqual({ available: money(settled * NET), held: 0 });
  });

  it('agents that buy from each other crosswise, and cancel, do not deadlock', async () => {
    const forth = await openShop(nodeFor(0));
    const { seller, buyer } = forth;
    await ask(nodeFor(0), seller.key, `POST /v1/wallets/${seller.wallet}/fund`, {
      amount: 1,
      source: 'test_faucet',
    });
    const back: Shop = { seller: buyer, buyer: seller, serviceId: await offer(nodeFor(0), buyer) };
    const before = await balance(nodeFor(0), buyer);
    const settle = (index: number) => buy(nodeFor(index), index % 2 ? forth : back, steps.length);
    await race<unknown>(30, 5, (index) => (index % 3 === 0 ? settle(index) : buyAndCancel(index)));
    expect(await balance(nodeFor(1), buyer)).toEqual({
      available: money(before.available - 25 * (PRICE - NET)),
      held: 0,
    });
    expect(await balance(nodeFor(1), seller)).toEqual({ available: money(1 - 25 * (PRICE - NET)), held: 0 });

    async function buyAndCancel(index: number): Promise<void> {
      const shop = index % 4 < 2 ? forth : back;
      const { tokenId } = await buy(nodeFor(index), shop);
      await ask(nodeFor(index + 1), shop.buyer.key, `DELETE /v1/x402/tokens/${tokenId}`);
    }
  });
});
