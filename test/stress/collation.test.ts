import { randomBytes } from 'node:crypto';
import { ledger, payments } from '@agentpay/core';
import type { Core } from '@agentpay/core';
import type { Db } from '@agentpay/primitives';
import { pgDb } from '@agentpay/storage';
import { fund, money, signedIn, testCore } from '../flows/market.js';
import type { SignedIn } from '../flows/market.js';

/** Sorts like a dictionary, as most servers do: "alpha" before "Beta". Whoever decides in memory sorts by code units. */
const LOCALE = `encoding 'UTF8' locale_provider icu icu_locale 'en-US' lc_collate 'C' lc_ctype 'C'`;
const PAYMENTS = 300;
const FUNDS = 10_000_000n;
/** Labels of payees, whose accounts are locked in some order. */
const LABELS = ['alpha', 'Beta', 'gamma', 'Delta', '_x', 'ähnlich', 'zeta', 'Ωmega'];

const name = `test_${randomBytes(8).toString('hex')}`;
let admin: Db;
let dbs: Db[];
let cores: Core[];
let people: SignedIn[];

beforeAll(async () => {
  const server = process.env['DATABASE_URL'] as string;
  admin = pgDb({ url: server, max: 1, statementTimeoutMs: 120_000 });
  await admin.exec(`create database ${name} template template0 ${LOCALE}`);
  const url = Object.assign(new URL(server), { pathname: `/${name}` }).href;
  dbs = [pgDb({ url }), pgDb({ url })];
  cores = [];
  // One after the other: the first one migrates.
  for (const db of dbs) cores.push((await testCore(db)).core);
  people = await Promise.all(['a', 'b', 'C', 'D'].map((each) => signedIn(coreFor(0), each)));
  for (const one of people) await fund(coreFor(0), one, FUNDS);
});
afterAll(async () => {
  await Promise.all(dbs.map((db) => db.close()));
  await admin.exec(`drop database ${name} with (force)`);
  await admin.close();
});

const coreFor = (n: number) => cores[n % cores.length] as Core;
const person = (n: number) => people[n % people.length] as SignedIn;

describe('a database that sorts like a dictionary', () => {
  it('sorts otherwise than JavaScript does', async () => {
    const rows = await (dbs[0] as Db).query<{ label: string }>(
      'select label from unnest($1::text[]) as label order by label',
      [LABELS],
    );
    expect(rows.map(({ label }) => label)).not.toEqual([...LABELS].sort());
  });

  it('takes payments of two processes that want the same accounts in whatever order, and keeps its books', async () => {
    const paid = await Promise.all(
      Array.from({ length: PAYMENTS }, (_, n) => {
        const { principal, walletId: fromWalletId } = person(n);
        const label = LABELS[(n * 5) % LABELS.length] as string;
        const payee = n % 2 === 0 ? { toExternal: label } : { toWalletId: person(n + 1 + (n % 3)).walletId };
        const request = {
          principal,
          fromWalletId,
          ...payee,
          amount: 1_000n,
          idempotencyKey: `${label} ${n}`,
        };
        return payments.create(coreFor(n), request);
      }),
    );
    expect(new Set(paid.map(({ id }) => id)).size).toBe(PAYMENTS);
    expect(paid.filter(({ status }) => status !== 'completed')).toEqual([]);
    expect(await ledger.verifyLedger(dbs[0] as Db)).toEqual([]);
    expect(await ledger.verifyChains(coreFor(0))).toEqual([]);
    const spent = paid.reduce(
      (sum, { amount, fee, payeeExternal }) => sum + fee + (payeeExternal ? amount : 0n),
      0n,
    );
    const left = await Promise.all(people.map((one) => money(coreFor(0), one)));
    const total = left.reduce((sum, { available, held }) => sum + available + held, 0n);
    expect(total).toBe(FUNDS * BigInt(people.length) - spent);
  });

  it('gives its lists page by page, each row once', async () => {
    const { principal } = person(0);
    const seen: string[] = [];
    let total = 0;
    for (let cursor: string | null | undefined = ''; cursor !== null;) {
      const wanted = { principal, cursor, limit: 7 };
      const page: Awaited<ReturnType<typeof payments.list>> = await payments.list(coreFor(0), wanted);
      seen.push(...page.payments.map(({ id }) => id));
      ({ nextCursor: cursor, total } = page);
    }
    expect(seen).toHaveLength(total);
    expect(new Set(seen).size).toBe(total);
  });
});
