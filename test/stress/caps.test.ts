import { ledger, parties, payments, policies } from '@agentpay/core';
import type { Core, Principal } from '@agentpay/core';
import { isAgentPayError, type Db } from '@agentpay/primitives';
import { pgDb } from '@agentpay/storage';
import { testDatabase, type TestDatabase } from '@agentpay/testing';
import { fund, signedIn, testCore, type SignedIn } from '../flows/market.js';
import { commitGate, type CommitGate } from './commitGate.js';

const REPLICAS = 10;
const PAYMENTS = 100;
const USD = 1_000_000n;
const CAP = 150n * USD;
const SELLER = 'merchant:demo';
const TIMEOUT_MS = 90_000;
/** How often a client sends a payment again whose fate it does not know. */
const MAX_TRIES = 20;

/** An instance with its own connections and caches. */
interface Replica {
  readonly core: Core;
  readonly db: Db;
}

let database: TestDatabase;
let gate: CommitGate | undefined;
let replicas: Replica[];
let payer: SignedIn;

async function replica(url: string): Promise<Replica> {
  const db = pgDb({ url, max: 3, connectTimeoutMs: 20_000, lockTimeoutMs: 20_000 });
  return { db, core: (await testCore(db)).core };
}

beforeAll(async () => {
  database = await testDatabase();
  const way = await commitGate(database.url);
  gate = way;
  replicas = [await replica(database.url)];
  // Half of them reach the database by a way that can be cut.
  while (replicas.length < REPLICAS)
    replicas.push(await replica(replicas.length % 2 === 0 ? database.url : way.url));
}, TIMEOUT_MS);
beforeEach(async () => {
  const [{ core }] = replicas as [Replica];
  payer = await signedIn(core, 'Payer');
  await fund(core, payer, 1_000n * USD);
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

const operator: Principal = { party: parties.platform, scopes: [], credentialId: 'admin' };
const rule = (terms: policies.RuleTerms) =>
  policies.create((replicas[0] as Replica).core, { principal: operator, partyId: payer.agent.id, terms });

type Outcome = { readonly id: string } | { readonly refused: string | undefined };

/** A payment as a client makes it: sent again under its key, to the next replica, for as long as its fate is not known. */
async function pay(index: number, amount: bigint): Promise<Outcome> {
  const { principal, walletId } = payer;
  const idempotencyKey = `race-${index}`;
  const request = { principal, fromWalletId: walletId, toExternal: SELLER, amount, idempotencyKey };
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const { core } = replicas[(index + tries) % replicas.length] as Replica;
    try {
      return { id: (await payments.create(core, request)).id };
    } catch (error) {
      if (isAgentPayError(error, 'policy_denied')) return { refused: error.reason };
      if (!isAgentPayError(error, 'unavailable') && !isAgentPayError(error, 'outcome_unknown')) throw error;
    }
  }
  throw new Error(`Payment ${index} was never answered.`);
}

const all = (amount: (index: number) => bigint) =>
  Promise.all(Array.from({ length: PAYMENTS }, (_, index) => pay(index, amount(index))));
const paid = (outcomes: readonly Outcome[]) => outcomes.filter((each) => 'id' in each);

/** What the database has as paid, and how many payments these are. */
async function booked(): Promise<{ count: number; sum: bigint }> {
  const [row] = await (replicas[0] as Replica).db.query<{ count: bigint; sum: string | null }>(
    `select count(*) as count, sum(amount)::text as sum from payments where payer_id = $1 and status = 'completed'`,
    [payer.agent.id],
  );
  return { count: Number(row?.count), sum: BigInt(row?.sum ?? 0) };
}

const caps: readonly [string, policies.RuleTerms][] = [
  ['daily_limit', { kind: 'daily', amount: CAP }],
  ['per_seller_cap', { kind: 'per_seller_cap', seller: SELLER, amount: CAP, period: 'day' }],
];

describe.each(caps)('ten replicas race for a cap of $150 (%s) with 100 parallel payments', (code, terms) => {
  it(
    'and reach it exactly, with nothing above it',
    async () => {
      await rule(terms);
      const outcomes = await all(() => 5n * USD);
      expect(paid(outcomes)).toHaveLength(30);
      expect(outcomes.filter((each) => !('id' in each))).toEqual(
        Array.from({ length: 70 }, () => ({ refused: code })),
      );
      expect(await booked()).toEqual({ count: 30, sum: CAP });
      expect(await pay(PAYMENTS, 1n)).toEqual({ refused: code });
    },
    TIMEOUT_MS,
  );

  it(
    'and pass it by not one micro-unit where the payments do not divide it',
    async () => {
      await rule(terms);
      expect(paid(await all(() => 5n * USD + 1n))).toHaveLength(29);
      const left = CAP - 29n * (5n * USD + 1n);
      const last = await Promise.all(
        Array.from({ length: 20 }, (_, index) => pay(PAYMENTS + index, index % 2 === 0 ? left : left + 1n)),
      );
      expect(paid(last)).toHaveLength(1);
      expect(await booked()).toEqual({ count: 30, sum: CAP });
    },
    TIMEOUT_MS,
  );
});

it(
  'half of ten replicas lost in the middle of it and started again: the cap is reached exactly, and each payment made once',
  async () => {
    await rule({ kind: 'daily', amount: CAP });
    const lost = replicas.filter((_, index) => index % 2 === 1);
    const way = gate as CommitGate;
    const held = way.catchBatch('after');
    const outcomes = all(() => 5n * USD);
    // One has written a batch and does not hear of it.
    await held;
    await way.close();
    gate = undefined;
    replicas = [...replicas.filter((each) => !lost.includes(each)), ...(await started(lost.length))];
    const answered = await outcomes;
    expect(paid(answered)).toHaveLength(30);
    expect(new Set(paid(answered).map((each) => 'id' in each && each.id)).size).toBe(30);
    expect(await booked()).toEqual({ count: 30, sum: CAP });
    const again = await all(() => 5n * USD);
    expect(paid(again)).toEqual(paid(answered));
    await Promise.all(lost.map(({ db }) => db.close()));
  },
  TIMEOUT_MS,
);

function started(count: number): Promise<Replica[]> {
  return Promise.all(Array.from({ length: count }, () => replica(database.url)));
}
