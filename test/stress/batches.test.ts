import { ledger, payments } from '@agentpay/core';
import type { Core } from '@agentpay/core';
import { sleep, systemClock, type Db, type QueryOptions, type SqlValue } from '@agentpay/primitives';
import { pgDb } from '@agentpay/storage';
import { testDatabase, type TestDatabase } from '@agentpay/testing';
import { commitGate, type CommitGate } from './commitGate.js';
import { fund, money, signedIn, testCore } from '../flows/market.js';
import type { SignedIn } from '../flows/market.js';

let database: TestDatabase;
let db: Db;
let core: Core;
let payer: SignedIn;
let other: SignedIn;

beforeAll(async () => {
  database = await testDatabase();
  db = pgDb({ url: database.url, max: 12, lockTimeoutMs: 300_000, connectTimeoutMs: 300_000 });
  ({ core } = await testCore(db));
});
beforeEach(async () => {
  [payer, other] = [await signedIn(core, 'Payer'), await signedIn(core, 'Other')];
  for (const agent of [payer, other]) await fund(core, agent, 1_000_000n);
});
afterEach(async () => {
  expect(await ledger.verifyLedger(db)).toEqual([]);
  expect(await ledger.verifyChains(core)).toEqual([]);
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

const pay = ({ principal, walletId }: SignedIn, amount = 1_000n, more: object = {}) =>
  payments.create(core, { principal, fromWalletId: walletId, toExternal: 'x', amount, ...more });
const all = <T>(count: number, make: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)));

/** Holds the balance of a wallet in a transaction until the function it gives is called. */
async function hold({ walletId }: SignedIn): Promise<() => Promise<void>> {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  let held = (): void => undefined;
  const holding = new Promise<void>((resolve) => (held = resolve));
  const ended = db.tx(async (tx) => {
    await tx.query('select 1 from ledger_balances where account = $1 for update', [
      ledger.available(walletId),
    ]);
    held();
    await released;
  });
  await holding;
  return async () => {
    release();
    await ended;
  };
}

function signal() {
  let give = (): void => undefined;
  const given = new Promise<void>((resolve) => (give = resolve));
  return { given, give: () => give() };
}

describe('commands in batches', () => {
  it('that write nothing are told what the database says, whatever else their batch writes', async () => {
    const { id } = await pay(payer, 1_000n, { idempotencyKey: 'seen' });
    const read = () =>
      core.batch.run({
        wants: [[payments.paymentRows, [id]]],
        lane: id,
        decide: (scene) => scene.find(payments.paymentRows, id)?.attempts,
      });
    expect(await read()).toBe(0);
    await db.query('update payments set attempts = 7 where id = $1', [id]);
    const [attempts] = await Promise.all([read(), pay(payer), pay(other)]);
    expect(attempts).toBe(7);
  });

  it('that need a row which somebody holds wait for it, and nobody else does', async () => {
    await pay(payer);
    const release = await hold(payer);
    const waiting = all(5, () => pay(payer));
    let arrived = 0;
    void waiting.then(() => (arrived = 5));
    await all(50, () => pay(other));
    expect(arrived).toBe(0);
    await release();
    await waiting;
    expect(await money(core, payer)).toEqual({ available: 1_000_000n - 6n * 1_004n, held: 0n });
    expect(await money(core, other)).toEqual({ available: 1_000_000n - 50n * 1_004n, held: 0n });
  });

  it('are never decided by what another connection has changed meanwhile', async () => {
    await pay(payer);
    const { core: elsewhere } = await testCore(db);
    for (let n = 0; n < 3; n++) {
      const request = { principal: payer.principal, fromWalletId: payer.walletId, toExternal: 'x' };
      await payments.create(elsewhere, { ...request, amount: 100_000n });
      await pay(payer, 100_000n);
    }
    const { available } = await money(core, payer);
    expect(available).toBe(1_000_000n - 1_004n - 6n * 100_400n);
    await payments.create(elsewhere, {
      principal: payer.principal,
      fromWalletId: payer.walletId,
      toExternal: 'x',
      amount: 300_000n,
    });
    await expect(pay(payer, 300_000n)).rejects.toMatchObject({ kind: 'insufficient_funds' });
    await fund(elsewhere, payer, 500_000n);
    expect(await pay(payer, 300_000n)).toMatchObject({ status: 'completed' });
  });

  it('write every row as it was decided, whether the rows of a batch are alike or not', async () => {
    const texts = ['"quoted"', 'C:\\dir\\n', '{a,b}', 'NULL', 'é😀', undefined];
    const batches: { amount?: bigint; description?: string | undefined }[][] = [
      Array.from({ length: 20 }, () => ({})),
      texts.map((description, index) => ({ amount: BigInt(index + 1), description })),
      Array.from({ length: 20 }, () => ({ description: 'the same' })),
    ];
    for (const batch of batches) {
      const made = await Promise.all(batch.map(({ amount, ...more }) => pay(payer, amount, more)));
      const kept = made.map(({ id }) => payments.get(core, { principal: payer.principal, paymentId: id }));
      expect(await Promise.all(kept)).toEqual(made);
      expect(made.map(({ description }) => description)).toEqual(
        batch.map(({ description }) => description ?? null),
      );
    }
  });

  it('that are refused disturb nobody: of 200, those with money pay', async () => {
    const poor = await signedIn(core, 'Poor');
    const responses = await Promise.allSettled(
      Array.from({ length: 200 }, (_, index) => pay(index % 3 === 0 ? poor : other, 100n)),
    );
    const paid = responses.filter(({ status }) => status === 'fulfilled').length;
    expect(paid).toBe(133);
    const others = responses.filter((response) => response.status === 'rejected');
    for (const { reason } of others) expect(reason).toMatchObject({ kind: 'insufficient_funds' });
  });

  it('that come while a batch is being written are written together after it', async () => {
    const { id } = await pay(payer);
    const [begun, released] = [signal(), signal()];
    let statements = 0;
    const slow: Db = {
      ...db,
      async query<Row>(sql: string, params?: readonly SqlValue[], options?: QueryOptions) {
        if (sql.includes('batch_expect') && ++statements === 1) {
          begun.give();
          await released.given;
        }
        return db.query<Row>(sql, params, options);
      },
    };
    const { core: slowCore } = await testCore(slow);
    const attempt = () =>
      slowCore.batch.run({
        wants: [[payments.paymentRows, [id]]],
        lane: id,
        decide(scene) {
          const payment = scene.find(payments.paymentRows, id) as payments.Payment;
          return scene.update(payments.paymentRows, payment, { attempts: payment.attempts + 1 }).attempts;
        },
      });
    const made = [attempt()];
    await begun.given;
    for (let n = 0; n < 6; n++) {
      made.push(attempt());
      await new Promise((resolve) => setImmediate(resolve));
    }
    released.give();
    expect(await Promise.all(made)).toEqual(Array.from({ length: 7 }, (_, n) => n + 1));
    expect(statements).toBe(2);
  });

  it('write every text as it was given', async () => {
    const texts = [
      '"',
      '\\',
      'a"b\\c',
      '{}',
      '{"a":1}',
      'NULL',
      'null',
      ',',
      "it's",
      '\\"',
      'ü',
      '支付',
      '😀',
    ];
    const made = await all(texts.length, (n) => pay(payer, 100n, { description: texts[n] }));
    expect(made.map((payment) => payment.description)).toEqual(texts);
    const rows = await db.query<{ description: string; told: string; completedAt: Date; holdId: null }>(
      `select description, data->>'description' as told, completed_at as "completedAt", hold_id as "holdId"
       from payments join events on events.subject = payments.id where payments.id = any($1::text[])
       order by array_position($1::text[], payments.id)`,
      [made.map(({ id }) => id)],
    );
    expect(rows).toEqual(
      made.map(({ description, completedAt }) => ({
        description,
        told: description,
        completedAt,
        holdId: null,
      })),
    );
  });

  it.each(['json', 'jsonb'] as const)(
    'write %s as it was given, and null where there is none',
    async (type) => {
      const values = [{ text: 'a\nb\u2028"\\' }, null, 'null', ['', 1.5, { a: null }], '', 0, false];
      await db.exec(`create table notes_${type} (id text primary key, data ${type})`);
      const notes = { name: `notes_${type}`, fields: { id: 'text', data: type } } as never;
      const write = (data: unknown, n: number) =>
        core.batch.run({ wants: [], lane: '', decide: (scene) => scene.append(notes, { id: `${n}`, data }) });
      await Promise.all(values.map(write));
      await write({ alone: '\n' }, values.length);
      const rows = await db.query(`select data, data is null as none from notes_${type} order by id::int`);
      expect(rows).toEqual([...values, { alone: '\n' }].map((data) => ({ data, none: data === null })));
    },
  );

  it('pays once for a key that waits in several batches at once', async () => {
    const both = [core, (await testCore(db)).core];
    const request = { principal: payer.principal, fromWalletId: payer.walletId, toExternal: 'x' };
    const made = await all(120, (index) =>
      payments.create(both[index % 2] as Core, {
        ...request,
        amount: 10n,
        idempotencyKey: `key-${index % 4}`,
      }),
    );
    expect(new Set(made.map(({ id }) => id)).size).toBe(4);
    expect(await money(core, payer)).toEqual({ available: 1_000_000n - 40n, held: 0n });
  });
});

/** Two batches are sent one behind the other before the first one has a response. */
describe('two batches under way', () => {
  const PAYMENTS = 64;
  let gate: CommitGate;
  let gated: Db;
  let watched: { sent: number; answered: number; mostUnderWay: number };
  let own: Core;

  beforeEach(async () => {
    gate = await commitGate(database.url);
    gated = pgDb({ url: gate.url, max: 4 });
    watched = { sent: 0, answered: 0, mostUnderWay: 0 };
    ({ core: own } = await testCore({ ...gated, query: watchedQuery }));
    await storm();
  });
  afterEach(async () => {
    await gated.close();
    await gate.close();
  });

  /** Responses to batches come late, when what waits has long been decided. */
  const watchedQuery: Db['query'] = async (sql, params, options) => {
    if (!sql.includes('batch_expect')) return gated.query(sql, params, options);
    watched.sent += 1;
    watched.mostUnderWay = Math.max(watched.mostUnderWay, watched.sent - watched.answered);
    const outcome = gated.query<never>(sql, params, options);
    await outcome.catch(() => undefined);
    await sleep(systemClock, 20);
    watched.answered += 1;
    return outcome;
  };

  let storms = 0;
  /** Payments at once, none with a key. @returns the description of each, and what became of it */
  async function storm(from: readonly SignedIn[] = [payer, other]) {
    const name = `storm ${++storms}`;
    const asked = Array.from({ length: PAYMENTS }, (_, n) => `${name}, ${n}`);
    const outcomes = await Promise.allSettled(
      asked.map((description, n) => {
        const { principal, walletId } = from[n % from.length] as SignedIn;
        return payments.create(own, {
          principal,
          fromWalletId: walletId,
          toExternal: 'x',
          amount: 10n,
          description,
        });
      }),
    );
    return asked.map((description, n) => ({
      description,
      outcome: outcomes[n] as PromiseSettledResult<unknown>,
    }));
  }

  /** How often each was paid. */
  async function paid(of: readonly { description: string }[]): Promise<number[]> {
    const rows = await db.query<{ description: string; times: bigint }>(
      'select description, count(*) as times from payments where description = any($1::text[]) group by description',
      [of.map(({ description }) => description)],
    );
    const times = new Map(rows.map((row) => [row.description, Number(row.times)]));
    return of.map(({ description }) => times.get(description) ?? 0);
  }

  const once = Array.from({ length: PAYMENTS }, () => 1);
  const states = (of: Awaited<ReturnType<typeof storm>>) => new Set(of.map(({ outcome }) => outcome.status));

  it('are written in their order, each by itself', async () => {
    const made = await storm();
    expect(watched.mostUnderWay).toBe(2);
    expect(states(made)).toEqual(new Set(['fulfilled']));
    expect(await paid(made)).toEqual(once);
  });

  it('whose connection breaks when both were written, and nobody was told: both are found, and paid once', async () => {
    const both = gate.keepBack(2);
    const made = storm();
    await both;
    gate.cut();
    expect(states(await made)).toEqual(new Set(['fulfilled']));
    expect(await paid(await made)).toEqual(once);
  });

  it.each(['before', 'after'] as const)(
    'whose connection breaks %s the first one is written, so that the second never is: all are paid once',
    async (where) => {
      const caught = gate.catchBatch(where);
      const made = storm();
      await caught;
      gate.cut();
      expect(states(await made)).toEqual(new Set(['fulfilled']));
      expect(await paid(await made)).toEqual(once);
    },
  );

  it('the first of which rests on what somebody has changed: neither is written, and all are decided anew', async () => {
    await payments.create(core, {
      principal: payer.principal,
      fromWalletId: payer.walletId,
      toExternal: 'x',
      amount: 500_000n,
    });
    const { available } = await money(core, payer);
    const made = await storm();
    expect(watched.mostUnderWay).toBe(2);
    expect(states(made)).toEqual(new Set(['fulfilled']));
    expect(await paid(made)).toEqual(once);
    expect((await money(core, payer)).available).toBe(available - (10n * BigInt(PAYMENTS)) / 2n);
  });

  it('of a wallet that has money for half of them: so many are paid, whatever is refused in between', async () => {
    const poor = await signedIn(core, 'Poor');
    await fund(core, poor, 320n);
    const made = await storm([poor]);
    const times = await paid(made);
    expect(times).toEqual(made.map(({ outcome }) => (outcome.status === 'fulfilled' ? 1 : 0)));
    expect(times.filter((of) => of === 1)).toHaveLength(32);
  });

  it('of which one refuses all of its commands, its connection lost at the end: they are refused', async () => {
    const { principal, walletId } = await signedIn(core, 'Poor');
    const caught = gate.catchNext('before');
    const refused = payments
      .create(own, { principal, fromWalletId: walletId, toExternal: 'x', amount: 10n })
      .catch((error: unknown) => error);
    await caught;
    gate.cut();
    expect(await refused).toMatchObject({ kind: 'insufficient_funds' });
  });
});
