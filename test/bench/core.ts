import {
  agents,
  createCore,
  identity,
  ledger,
  marketplace,
  migrations,
  payments,
  policies,
  tokens,
  wallets,
} from '@agentpay/core';
import type { Core, Principal } from '@agentpay/core';
import { systemClock, systemRandom, type Db } from '@agentpay/primitives';
import { migrate, pgDb } from '@agentpay/storage';
import { testDatabase } from '@agentpay/testing';
import pg from 'pg';
import { percentile } from './load.js';
import { figure, markdownTable } from './table.js';
import { benchPorts } from './corePorts.js';

const SECONDS = Number(process.env['SECONDS'] ?? 4);
const WALLETS = Number(process.env['WALLETS'] ?? 256);
const WARM = 512;
/** Each operation is measured for so many parts of its time, the others between them. */
const PARTS = 4;
const PLAIN = 'plain transaction';
const IN_FLIGHT = (process.env['IN_FLIGHT'] ?? '1,16,64,256').split(',').map(Number);

/** One measured operation. */
export interface Measured {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

/** The core against plain transactions on the same PostgreSQL, in this process: needs DATABASE_URL. */
export async function core(): Promise<string> {
  const database = await testDatabase();
  const db = pgDb({ url: database.url, max: 10 });
  const pool = plainPool(database.url);
  const counted = counting(db);
  try {
    await migrate(db, migrations);
    await preparePlain(pool);
    const town = await openTown(counted.db);
    const tables: string[] = [];
    const rows: string[][] = [];
    for (const inFlight of IN_FLIGHT) {
      const ops = { [PLAIN]: () => plain(pool), ...operations(town) };
      const found = await measureInTurn(inFlight, ops);
      const base = found[PLAIN] as Measured;
      for (const [name, each] of Object.entries(found)) rows.push(line(name, inFlight, each, base));
    }
    tables.push(markdownTable(['what', 'in flight', 'per s', 'of plain', 'p50 ms', 'p99 ms'], rows));
    tables.push(await roundTrips(counted, town));
    const faults = [...(await ledger.verifyLedger(db)), ...(await ledger.verifyChains(town.core))];
    tables.push(
      faults.length === 0
        ? 'The books are right.'
        : `The books are WRONG: ${JSON.stringify(faults.slice(0, 3))}`,
    );
    return tables.join('\n\n');
  } finally {
    await pool.end();
    await db.close();
    await database.drop();
  }
}

export interface Townsman {
  readonly principal: Principal;
  readonly walletId: string;
}

/** Agents with money, each with a daily limit, and one of them with a service. */
export interface Town {
  readonly core: Core;
  readonly people: readonly Townsman[];
  readonly serviceId: string;
}

export async function openTown(db: Db): Promise<Town> {
  const made = createCore({
    db,
    clock: systemClock,
    random: systemRandom,
    ports: benchPorts(),
    settings: {
      identity: { pepper: 'pepper-of-the-bench-pepper-of-the-bench' },
      wallets: { sandbox: true },
    },
  });
  const people: Townsman[] = [];
  const platform: Principal = {
    party: { id: 'platform', kind: 'platform' },
    scopes: [],
    credentialId: 'admin',
  };
  for (let n = 0; n < WALLETS; n++) {
    const { agent, wallet, apiKey } = await agents.create(made, { name: `Agent ${n}` });
    const principal = await identity.authenticate(made, { accepts: ['runtime'], secret: apiKey });
    await wallets.fund(made, {
      principal,
      walletId: wallet.id,
      amount: 10_000_000_000n,
      source: wallets.TEST_FAUCET,
    });
    const terms = { kind: 'daily', amount: 900_000_000_000n } as const;
    await policies.create(made, { principal: platform, partyId: agent.id, terms });
    people.push({ principal, walletId: wallet.id });
  }
  const [seller] = people as [Townsman];
  const offer = { principal: seller.principal, name: 'Bench', pricePerCall: 10n };
  return { core: made, people, serviceId: (await marketplace.register(made, offer)).id };
}

let turn = 0;

export function operations({ core: made, people, serviceId }: Town): Record<string, () => Promise<unknown>> {
  const person = (n: number) => people[n % people.length] as Townsman;
  const pay = (payer: Townsman, payee: Townsman) =>
    payments.create(made, {
      principal: payer.principal,
      fromWalletId: payer.walletId,
      toWalletId: payee.walletId,
      amount: 1_000n,
      idempotencyKey: `k${turn}`,
    });
  const authorize = () => {
    const { principal, walletId } = person(++turn);
    return tokens.authorize(made, { principal, serviceId, walletId });
  };
  return {
    payments: () => pay(person(++turn), person(turn * 7 + 1)),
    'payments, one payee': () => pay(person(1 + (++turn % (people.length - 1))), person(0)),
    authorize,
    async 'token life (5 calls)'() {
      const { signed, token } = await authorize();
      const { principal } = person(0);
      const step = { principal, tokenId: token.id };
      await tokens.verify(made, { principal, token: signed });
      await tokens.callStarted(made, step);
      await tokens.callAccepted(made, step);
      await tokens.callCompleted(made, step);
    },
  };
}

/** Connections of {@link plain}. */
export function plainPool(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: 20 });
  // Their end is not waited for, and the database may be dropped before it.
  pool.on('error', () => undefined).on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** The tables of {@link plain}. */
export async function preparePlain(pool: pg.Pool): Promise<void> {
  await pool.query('create table plain (id text primary key, v jsonb, amount bigint)');
  await pool.query('create table plain_counter (id int primary key, amount bigint)');
  await pool.query('insert into plain_counter select i, 0 from generate_series(0, 1023) i');
}

export async function plain(pool: pg.Pool): Promise<void> {
  const client = await pool.connect();
  const n = ++turn;
  try {
    await client.query('begin');
    const values = [`x${n}`, '{"a":1}', 5];
    await client.query({ name: 'p1', text: 'insert into plain values ($1, $2, $3)', values });
    const text = 'update plain_counter set amount = amount + 1 where id = $1';
    await client.query({ name: 'p2', text, values: [n % 1024] });
    await client.query('commit');
  } finally {
    client.release();
  }
}

type Op = () => Promise<unknown>;

/**
 * Measures operations that are compared with each other, each for as long in all: in turn, a part of that time each, so that what else
 * the machine does meets all of them alike. Forth and back, as each meets what the one before it left behind.
 */
export async function measureInTurn<Name extends string>(
  inFlight: number,
  ops: Record<Name, Op>,
): Promise<Record<Name, Measured>> {
  const all = Object.entries<Op>(ops).map(([name, op]) => ({ name, op, latencies: [] as number[], ms: 0 }));
  for (let part = 0; part < PARTS; part++) {
    for (const each of part % 2 === 0 ? all : [...all].reverse()) {
      // Everybody is met once before, so that nobody is read for the first time.
      if (part === 0)
        for (let n = 0; n < WARM; n += inFlight) await Promise.all(Array.from({ length: inFlight }, each.op));
      each.ms += await load(inFlight, each.op, each.latencies);
    }
  }
  return Object.fromEntries(all.map(({ name, ...of }) => [name, measured(of)])) as Record<Name, Measured>;
}

/** Keeps so many operations in flight for a part of the time of a measurement. @returns how long they took, in ms */
async function load(inFlight: number, op: Op, latencies: number[]): Promise<number> {
  const began = performance.now();
  const worker = async () => {
    while (performance.now() - began < (SECONDS * 1000) / PARTS) {
      const at = performance.now();
      await op();
      latencies.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return performance.now() - began;
}

function measured({ latencies, ms }: { readonly latencies: number[]; readonly ms: number }): Measured {
  latencies.sort((a, b) => a - b);
  const perSecond = (1000 * latencies.length) / ms;
  return { perSecond, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) };
}

function line(name: string, inFlight: number, { perSecond, p50, p99 }: Measured, base: Measured): string[] {
  const ratio = figure(perSecond / base.perSecond, 2);
  return [name, String(inFlight), figure(perSecond, 0), ratio, figure(p50, 1), figure(p99, 1)];
}

/** A database that counts what goes to it and back. */
function counting(db: Db) {
  const count = { statements: 0, roundTrips: 0 };
  const seen = () => {
    count.statements += 1;
    count.roundTrips += 1;
  };
  const wrapped: Db = {
    ...db,
    query: (sql, params, options) => (seen(), db.query(sql, params, options)),
    tx: (fn, options) => {
      count.roundTrips += 2; // begin and commit
      return db.tx((tx) => fn({ ...tx, query: (sql, params) => (seen(), tx.query(sql, params)) }), options);
    },
  };
  return { db: wrapped, count };
}

async function roundTrips({ count }: ReturnType<typeof counting>, town: Town): Promise<string> {
  const rows: string[][] = [];
  for (const inFlight of [1, 256]) {
    for (const [name, op] of Object.entries(operations(town))) {
      const before = { ...count };
      await Promise.all(Array.from({ length: inFlight }, op));
      const per = (of: keyof typeof count) => figure((count[of] - before[of]) / inFlight, 2);
      rows.push([name, String(inFlight), per('statements'), per('roundTrips')]);
    }
  }
  return markdownTable(['what', 'in flight', 'statements each', 'round trips each'], rows);
}
