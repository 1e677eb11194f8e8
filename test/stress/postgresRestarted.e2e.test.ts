import type { Db } from '@agentpay/primitives';
import { pgDb } from '@agentpay/storage';
import {
  eventually,
  startPostgres,
  startRedis,
  type PostgresServer,
  type RedisServer,
} from '@agentpay/testing';
import { ask, send, startNode, type ApiNode, type Reply } from './apiNode.js';
import { contradictions, keptTokens } from './books.js';
import { letTimePass } from './letTimePass.js';
import { afterCommits, heal, whileWriting } from './outages.js';
import { openReceiver, type Receiver } from './receiver.js';
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

const WORKERS = 24;
/** Each round is four payments, a funding and the life of a token. */
const ROUNDS = 30;
const PAYMENTS = 4 * ROUNDS;
const PAID = 1;
/** 0.4 %, on top. */
const FEE = 0.004;
const FUNDED = 2;
/** At which of the successes the server goes away, and how. Both are far from the last one. */
const outages = new Map([
  [60, whileWriting],
  [150, afterCommits],
]);
/** Of one call: a worker waits for each outage, so that three are enough. */
const MOST_SENDS = 6;

let postgres: PostgresServer;
let redis: RedisServer;
let receiver: Receiver;
let db: Db;
let nodes: ApiNode[] = [];
/** Sells calls. */
let shop: Shop;
/** Is paid by its buyer, who is funded meanwhile. */
let till: Shop;
/** The last event before the storm. */
let before: bigint;

beforeAll(async () => {
  [postgres, redis, receiver] = await Promise.all([startPostgres(), startRedis(), openReceiver()]);
  db = pgDb({ url: postgres.url, max: 8, statementTimeoutMs: 300_000, connectTimeoutMs: 300_000 });
  const settings = { OUTBOUND_LOOPBACK: 'true', TOKEN_TTL_SECONDS: '3600' };
  nodes = await Promise.all(
    [1, 2].map(() => startNode({ database: postgres.url, redis: redis.url }, settings)),
  );
  shop = await openShop(nodeFor(0));
  till = await openShop(nodeFor(1));
  for (const { key } of [shop.seller, shop.buyer, till.seller, till.buyer])
    await ask(nodeFor(0), key, 'POST /v1/webhooks', { url: receiver.url, events: ['*'] }, 201);
  [{ before }] = (await db.query('select coalesce(max(sequence), 0) as before from events')) as [
    { before: bigint },
  ];
  await storm();
});
afterEach(async () => expect(await contradictions(db)).toEqual([]));
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.kill()));
  receiver?.close();
  await redis?.stop();
  await db?.close();
  await postgres?.close();
});

const nodeFor = (index: number) => nodes[index % nodes.length] as ApiNode;
const count = async (sql: string, params: readonly string[]) =>
  (await db.query<{ n: number }>(`select count(*)::integer as n from ${sql}`, params))[0]?.n as number;

// ---- calls that are made until they succeed

interface Call {
  readonly send: (node: ApiNode) => Promise<Reply | undefined>;
  /** Whether the books have what it asks for. */
  readonly isMade: () => Promise<boolean>;
}

let sends = 0;
let successes = 0;
let failures = 0;
/** Calls whose outcome was unknown, by what the books said of them afterwards. */
const unknown = { made: 0, notMade: 0 };
/** Calls that were told that nothing was changed, and had been made. */
let denied = 0;
/** Ends when the server is back. */
let healed = Promise.resolve();

/**
 * Makes a call: what the database failed is asked again, of the other process, once the database is back.
 * @returns the success, or the conflict of a call that had been made, and how often its outcome was unknown
 */
async function insist({ send: sendTo, isMade }: Call): Promise<{ reply: Reply; unknown: number }> {
  const first = sends++;
  let isKnown = false;
  let unknowns = 0;
  for (let sent = 0; sent < MOST_SENDS; sent++) {
    const reply = await sendTo(nodeFor(first + sent));
    if (reply && (reply.status < 300 || (reply.status === 409 && isKnown))) {
      succeeded();
      return { reply, unknown: unknowns };
    }
    if (reply?.status !== 503 && reply?.status !== 504)
      throw new Error(`Answered with ${JSON.stringify(reply) ?? 'a broken connection'}.`);
    failures += 1;
    await healed;
    const made = await isMade();
    if (reply.status === 503 && made && !isKnown) denied += 1;
    if (reply.status === 504) {
      unknowns += 1;
      unknown[made ? 'made' : 'notMade'] += 1;
    }
    isKnown = made;
  }
  throw new Error(`Not made, ${MOST_SENDS} times.`);
}

function succeeded(): void {
  successes += 1;
  const outage = outages.get(successes);
  if (!outage) return;
  const failed = failures;
  healed = healed
    .then(() => outage(db, postgres))
    // It stays away until that was noticed.
    .then(() => eventually(() => expect(failures).toBeGreaterThan(failed)))
    .then(() => heal(db, postgres));
}

// ---- the storm

/** As the calls answered. */
const payments: string[] = [];
const fundings: string[] = [];
interface Life extends Required<Bought> {
  readonly last: Step;
  readonly paymentId: string | null;
}
const lives: Life[] = [];
/** Tokens that nobody knows of may have been made. */
let lostTokens = 0;

async function pay(index: number): Promise<void> {
  const { buyer, seller } = till;
  const idempotency_key = `pay-${index}`;
  const body = { from_wallet_id: buyer.wallet, to_wallet_id: seller.wallet, amount: PAID, idempotency_key };
  const { reply } = await insist({
    send: (node) => send(node, buyer.key, 'POST /v1/payments', body),
    isMade: async () => (await count('payments where idempotency_key = $1', [idempotency_key])) > 0,
  });
  payments.push(reply.body['id']);
}

async function fund(index: number): Promise<void> {
  const { key, wallet } = till.buyer;
  const idempotency_key = `fund-${index}`;
  const body = { amount: FUNDED, source: 'test_faucet', idempotency_key };
  const { reply } = await insist({
    send: (node) => send(node, key, `POST /v1/wallets/${wallet}/fund`, body),
    isMade: async () =>
      (await count(`idempotency_keys where key = $1 and state = 'done'`, [idempotency_key])) > 0,
  });
  fundings.push(reply.body['transaction_id']);
}

/** One token in four is left lying at one of its steps. */
async function live(index: number): Promise<void> {
  const plan = steps.slice(0, index % 4 === 0 ? 1 + ((index / 4) % 4) : steps.length);
  const bought: Bought = {};
  let paymentId: string | null = null;
  for (const step of plan) {
    const { reply, unknown: unknowns } = await insist({
      send: (node) => take(step, node, shop, bought),
      isMade: async () =>
        (await count('payment_tokens where id = $1 and state = $2', [
          bought.tokenId ?? '',
          stateAfter[step],
        ])) > 0,
    });
    if (step === 'authorize') lostTokens += unknowns;
    if (reply.status === 409) expect([step, reply.body['error'].reason]).toEqual(ALREADY);
    if (step === 'call-completed') paymentId = reply.body['payment_id'];
  }
  lives.push({ ...(bought as Required<Bought>), last: plan.at(-1) as Step, paymentId });
}
const ALREADY = ['verify', 'token_already_redeemed'];

async function storm(): Promise<void> {
  const jobs = Array.from({ length: ROUNDS }, (_, round) => [
    ...[0, 1, 2, 3].map((n) => () => pay(4 * round + n)),
    () => fund(round),
    () => live(round),
  ]).flat();
  const work = async () => {
    for (let job = jobs.shift(); job; job = jobs.shift()) await job();
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
  await healed;
}

// ---- what is left of it

describe('PostgreSQL ended at once and started again, twice, under two API processes', () => {
  it('no call is said to have changed nothing that did, and those of unknown outcome are done when they are asked again', () => {
    expect(denied).toBe(0);
    expect(unknown.made).toBeGreaterThan(0);
    expect(failures).toBeGreaterThan(unknown.made);
  });

  it('every payment and funding is in the books once', async () => {
    const kept = await db.query<{ id: string }>(`select id from payments where rail = 'internal'`);
    expect(payments).toHaveLength(PAYMENTS);
    expect(kept.map(({ id }) => id).sort()).toEqual([...payments].sort());
    expect(new Set(fundings).size).toBe(ROUNDS);
    expect(await balance(nodeFor(0), till.buyer)).toEqual({
      available: money(FUNDS + ROUNDS * FUNDED - PAYMENTS * (PAID + FEE)),
      held: 0,
    });
    expect(await balance(nodeFor(1), till.seller)).toEqual({ available: PAYMENTS * PAID, held: 0 });
  });

  it('every token stands where the last response left it, and those of unknown outcome are reserved', async () => {
    const kept = await keptTokens(db);
    for (const { tokenId, last, paymentId } of lives)
      expect(kept.get(tokenId)).toMatchObject({ state: stateAfter[last], paymentId });
    const known = new Set(lives.map(({ tokenId }) => tokenId));
    const others = [...kept.values()].filter(({ id }) => !known.has(id));
    expect(lives).toHaveLength(ROUNDS);
    expect(others.map(({ state }) => state)).toEqual(Array(others.length).fill('reserved'));
    expect(others.length).toBeLessThanOrEqual(lostTokens);
  });

  it('both processes go on serving, and their jobs go on', async () => {
    const [back] = await db.query<{ at: Date }>('select now() as at');
    for (const node of nodes) {
      expect((await ask(node, '', 'GET /readyz'))['checks']).toMatchObject({ database: 'ok', tracker: 'ok' });
      await buy(node, shop, steps.length);
    }
    await eventually(async () => {
      const [said] = await db.query<{ at: Date }>('select cron_on as at from pgboss.version');
      expect(said?.at.getTime()).toBeGreaterThan(back?.at.getTime() as number);
    });
  });

  it('every event has reached each of its receivers, under its one id', async () => {
    const lost = await db.query(
      `select payment.id from payments as payment
       left join events on events.type = 'payment.completed' and events.data->>'id' = payment.id
       group by payment.id having count(events.id) <> 1`,
    );
    expect(lost).toEqual([]);
    const told = () =>
      db.query<{ eventId: string; id: string | null; state: string | null }>(
        `select events.id as "eventId", delivery.id, delivery.state
         from events join webhooks on webhooks.owner_id = any (events.audience)
         left join webhook_deliveries as delivery on delivery.webhook_id = webhooks.id and delivery.event_id = events.id
         where events.sequence > $1`,
        [before],
      );
    await eventually(async () =>
      expect((await told()).filter(({ state }) => state !== 'delivered')).toEqual([]),
    );
    const deliveries = await told();
    expect(deliveries.length).toBeGreaterThan(2 * PAYMENTS);
    const eventOf = new Map(deliveries.map(({ id, eventId }) => [id as string, eventId]));
    const named = new Map(receiver.got.map((each) => [each.delivery, each]));
    for (const [delivery] of eventOf) expect(named.has(delivery)).toBe(true);
    for (const { delivery, header, body } of receiver.got)
      expect([header, body]).toEqual(Array(2).fill(eventOf.get(delivery)));
  });

  it('every hold that was left ends with its time, by the processes that were cut off', async () => {
    await letTimePass(db, redis.url);
    await eventually(async () => expect(await balance(nodeFor(0), shop.buyer)).toMatchObject({ held: 0 }));
    const settled = lives.filter(({ paymentId }) => paymentId !== null).length + nodes.length;
    expect(await balance(nodeFor(1), shop.buyer)).toEqual({
      available: money(FUNDS - settled * PRICE),
      held: 0,
    });
    expect(await balance(nodeFor(0), shop.seller)).toEqual({ available: money(settled * NET), held: 0 });
  });
});
