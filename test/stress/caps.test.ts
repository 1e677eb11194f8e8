import { custody, ledger, parties, payments, policies, purchases } from '@agentpay/core';
import type { Core, Principal } from '@agentpay/core';
import { isAgentPayError, systemClock, type Db, type PaymentNetwork } from '@agentpay/primitives';
import { pgDb } from '@agentpay/storage';
import { testDatabase, type TestDatabase } from '@agentpay/testing';
import { fund, signedIn, START_MS, testCore, type SignedIn } from '../flows/market.js';
import { purchaseCore } from '../flows/purchaseCore.js';
import { commitGate, type CommitGate } from './commitGate.js';
import { networks, PAY_TO, paperSale } from './paperSale.js';

const REPLICAS = 10;
const PAYMENTS = 100;
const USD = 1_000_000n;
const CAP = 150n * USD;
const SELLER = 'merchant:demo';
const TIMEOUT_MS = 300_000;
/** How often a client sends a payment again whose fate it does not know. */
const MAX_TRIES = 20;

/** An instance with its own connections and caches. */
interface Replica {
  readonly core: Core;
  /** The same for purchases, which wait for one another: their clock runs. */
  readonly buying: Core;
  readonly db: Db;
}

const sale = paperSale();
const shifted = START_MS - systemClock.now();
const running = { ...systemClock, now: () => systemClock.now() + shifted };

let database: TestDatabase;
let gate: CommitGate;
let replicas: Replica[];
let payer: SignedIn;

async function replica(url: string): Promise<Replica> {
  const db = pgDb({ url, max: 3, connectTimeoutMs: 300_000, lockTimeoutMs: 300_000 });
  const { core } = await testCore(db);
  const { chains, sellers } = sale;
  const ports = { sellers, facilitator: undefined };
  return { db, core, buying: purchaseCore({ db, clock: running, chains, ports }) };
}

beforeAll(async () => {
  database = await testDatabase();
  gate = await commitGate(database.url);
  replicas = [await replica(database.url)];
  // Half of them reach the database by a way that can be cut.
  while (replicas.length < REPLICAS)
    replicas.push(await replica(replicas.length % 2 === 0 ? database.url : gate.url));
}, TIMEOUT_MS);
beforeEach(async () => {
  const [{ core }] = replicas as [Replica];
  payer = await signedIn(core, 'Payer');
  await fund(core, payer, 1_000n * USD);
  for (const { id: network } of networks) await openWallet(network);
});
afterEach(async () => {
  const [{ core }] = replicas as [Replica];
  expect(await ledger.verifyLedger(core.db)).toEqual([]);
  expect(await ledger.verifyChains(core)).toEqual([]);
});
afterAll(async () => {
  await Promise.all((replicas ?? []).map(({ db }) => db.close()));
  await gate?.close();
  await database?.drop();
});

function openWallet(network: string): Promise<unknown> {
  const [{ buying, db }] = replicas as [Replica];
  const of = { ownerId: payer.agent.id, holder: payer.agent.id, network };
  return db.tx((tx) => custody.open(buying, tx, of));
}

const operator: Principal = { party: parties.platform, scopes: [], credentialId: 'admin' };
const rule = (terms: policies.RuleTerms) =>
  policies.create((replicas[0] as Replica).core, { principal: operator, partyId: payer.agent.id, terms });

type Outcome = { readonly id: string } | { readonly refused: string | undefined };

/** How money is spent: what a payment is, and whom it pays. */
interface Way {
  readonly seller: string;
  /** Gives its id. */
  pay(replica: Replica, order: { index: number; amount: bigint }): Promise<string>;
  /** Whether a client that was told this does not know what became of it. */
  isUnknown(error: unknown): boolean;
  /** What was paid, as whoever got it counts it; undefined where nobody outside of the database does. */
  received(): Promise<bigint | undefined>;
}

const lost = (error: unknown) =>
  isAgentPayError(error, 'unavailable') || isAgentPayError(error, 'outcome_unknown');

const internal: Way = {
  seller: SELLER,
  async pay({ core }, { index, amount }) {
    const { principal, walletId } = payer;
    const idempotencyKey = `race-${index}`;
    const order = { principal, fromWalletId: walletId, toExternal: SELLER, amount, idempotencyKey };
    return (await payments.create(core, order)).id;
  },
  isUnknown: lost,
  received: async () => undefined,
};

/** Bought from a seller on two chains, in two assets by turns. */
const bought: Way = {
  seller: PAY_TO.toLowerCase(),
  async pay({ buying }, { index, amount }) {
    const url = sale.url(networks[index % networks.length] as PaymentNetwork, amount);
    const order = { principal: payer.principal, url, idempotencyKey: `race-${index}` };
    return (await purchases.buy(buying, order)).purchase.id;
  },
  isUnknown: (error) =>
    lost(error) ||
    isAgentPayError(error, 'payment_in_progress') ||
    isAgentPayError(error, 'payment_unresolved'),
  async received() {
    const [{ db }] = replicas as [Replica];
    const wallets = await custody.ofHolder(db, { holder: payer.agent.id });
    return sale.paidBy(wallets.map(({ address }) => address));
  },
};

/** A payment as a client makes it: sent again under its key, to the next replica, for as long as its fate is not known. */
async function pay(way: Way, index: number, amount: bigint): Promise<Outcome> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    try {
      return { id: await way.pay(replicas[(index + tries) % replicas.length] as Replica, { index, amount }) };
    } catch (error) {
      if (isAgentPayError(error, 'policy_denied')) return { refused: error.reason };
      if (!way.isUnknown(error)) throw error;
    }
  }
  throw new Error(`Payment ${index} was never answered.`);
}

/** @param begun those that are under way already, by their number */
const all = (way: Way, amount: bigint, begun: ReadonlyMap<number, Promise<Outcome>> = new Map()) =>
  Promise.all(Array.from({ length: PAYMENTS }, (_, index) => begun.get(index) ?? pay(way, index, amount)));
const paid = (outcomes: readonly Outcome[]) => outcomes.filter((each) => 'id' in each);

/** What the lost ones were at is nobody's any more. */
async function letClaimsLapse(): Promise<void> {
  const [{ db }] = replicas as [Replica];
  const now = new Date(running.now());
  await db.query('update purchases set next_attempt_at = $1 where next_attempt_at > $1', [now]);
}

/** Expects so many payments, and the cap to be reached exactly: by the database, and by whoever was paid. */
async function expectCapReached(way: Way, count: number): Promise<void> {
  const [row] = await (replicas[0] as Replica).db.query<{ count: bigint; sum: string | null; held: bigint }>(
    `select count(*) as count, sum(amount)::text as sum, (select count(*) from ledger_holds where state = 'open') as held
     from payments where payer_id = $1 and status = 'completed'`,
    [payer.agent.id],
  );
  expect(row).toEqual({ count: BigInt(count), sum: String(CAP), held: 0n });
  expect(await way.received()).toBe(way === bought ? CAP : undefined);
}

const caps: readonly [string, (way: Way) => policies.RuleTerms][] = [
  ['daily_limit', () => ({ kind: 'daily', amount: CAP })],
  ['per_seller_cap', ({ seller }) => ({ kind: 'per_seller_cap', seller, amount: CAP, period: 'day' })],
];
const races = [
  ['payments', internal],
  ['purchases in two assets', bought],
] as const;
const cases = races.flatMap(([what, way]) => caps.map(([code, terms]) => ({ what, way, code, terms })));

describe.each(cases)(
  'ten replicas race for a cap of $150 ($code) with 100 parallel $what',
  ({ way, code, terms }) => {
    it(
      'and reach it exactly, with nothing above it',
      async () => {
        await rule(terms(way));
        const outcomes = await all(way, 5n * USD);
        expect(paid(outcomes)).toHaveLength(30);
        expect(outcomes.filter((each) => !('id' in each))).toEqual(
          Array.from({ length: 70 }, () => ({ refused: code })),
        );
        await expectCapReached(way, 30);
        for (const index of networks.keys())
          expect(await pay(way, PAYMENTS + index, 1n)).toEqual({ refused: code });
      },
      TIMEOUT_MS,
    );

    it(
      'and pass it by not one micro-unit where the payments do not divide it',
      async () => {
        await rule(terms(way));
        expect(paid(await all(way, 5n * USD + 1n))).toHaveLength(29);
        const left = CAP - 29n * (5n * USD + 1n);
        const last = await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            pay(way, PAYMENTS + index, Math.floor(index / 2) % 2 === 0 ? left : left + 1n),
          ),
        );
        expect(paid(last)).toHaveLength(1);
        await expectCapReached(way, 30);
      },
      TIMEOUT_MS,
    );
  },
);

describe.each(races)('half of ten replicas lost in the middle of %s and started again', (_what, way) => {
  it(
    'the cap is reached exactly, and each of them made once',
    async () => {
      await rule({ kind: 'daily', amount: CAP });
      const gone = replicas.filter((_, index) => index % 2 === 1);
      const [lostGate, nextGate] = [gate, await commitGate(database.url)];
      const anew = await Promise.all(gone.map(() => replica(nextGate.url)));
      const held = lostGate.catchBatch('after');
      // One has written a batch and does not hear of it: the first one, because behind a cap that others have reached none writes any.
      const first = pay(way, 1, 5n * USD);
      await held;
      const outcomes = all(way, 5n * USD, new Map([[1, first]]));
      await lostGate.close();
      gate = nextGate;
      replicas = replicas.map((each, index) => (index % 2 === 1 ? (anew[(index - 1) / 2] as Replica) : each));
      await letClaimsLapse();
      const answered = await outcomes;
      expect(paid(answered)).toHaveLength(30);
      expect(new Set(paid(answered).map((each) => 'id' in each && each.id)).size).toBe(30);
      await expectCapReached(way, 30);
      const again = await all(way, 5n * USD);
      expect(paid(again)).toEqual(paid(answered));
      await Promise.all(gone.map(({ db }) => db.close()));
    },
    TIMEOUT_MS,
  );
});
