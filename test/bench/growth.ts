import { ledger, migrations } from '@agentpay/core';
import { migrate, pgDb } from '@agentpay/storage';
import { testDatabase } from '@agentpay/testing';
import type pg from 'pg';
import {
  measureInTurn,
  openTown,
  operations,
  plain,
  plainPool,
  preparePlain,
  type Measured,
  type Town,
} from './core.js';
import { createChaining, journalsOf } from './filledJournals.js';
import { figure, markdownTable } from './table.js';

const POSTINGS = Number(process.env['POSTINGS'] ?? 5_000_000);
const TOKENS = Number(process.env['TOKENS'] ?? 1_000_000);
/** What there is of both when it is measured first. */
const FEW_POSTINGS = 10_000;
const FEW_TOKENS = 1_000;
const IN_FLIGHT = 16;
const ROUNDS = Number(process.env['ROUNDS'] ?? 3);
/** Rows of one statement. */
const PART = 100_000;
/** Longest that the whole books may be read for. */
const VERIFY_MS = 600_000;

interface Size {
  readonly postings: number;
  readonly tokens: number;
}

/**
 * Payments and token lives on small books and on large ones, in one run on one PostgreSQL: needs DATABASE_URL. Each figure stands beside
 * plain transactions of the same minute, so that what the machine does meanwhile counts for both. `POSTINGS=1000000 TOKENS=100000` is a
 * smaller run.
 */
export async function growth(): Promise<string> {
  const database = await testDatabase();
  const db = pgDb({ url: database.url, max: 10 });
  const patient = pgDb({ url: database.url, max: 1, statementTimeoutMs: VERIFY_MS });
  const pool = plainPool(database.url);
  try {
    await migrate(db, migrations);
    await preparePlain(pool);
    const town = await openTown(db);
    const fill = await filler(pool, town);
    const sizes = [
      { postings: FEW_POSTINGS, tokens: FEW_TOKENS },
      { postings: POSTINGS, tokens: TOKENS },
    ];
    const measured: Map<string, Ratio>[] = [];
    for (const size of sizes) {
      await told(`filled up to ${size.postings} postings and ${size.tokens} open tokens`, () => fill(size));
      measured.push(await told('measured', () => ratios(pool, town)));
    }
    const faults = await told('verified', async () => [
      ...(await ledger.verifyLedger(patient)),
      ...(await ledger.verifyChains({ ...town.core, db: patient })),
    ]);
    const [first] = faults;
    const books = first
      ? `The books are WRONG: ${'check' in first ? first.check : first.fault}.`
      : 'The books are right.';
    return `${tableOf(sizes, measured)}\n\n${books}`;
  } finally {
    await pool.end();
    await patient.close();
    await db.close();
    await database.drop();
  }
}

/** Says on stderr how long a part of the run took: the whole of it takes minutes. */
async function told<T>(what: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await work();
  console.error(`${what}: ${figure((performance.now() - began) / 1000, 1)} s`);
  return result;
}

interface Ratio extends Measured {
  /** Of the plain transactions that were measured right before. */
  readonly ofPlain: number;
}

/** The median of some rounds, each next to plain transactions. */
async function ratios(pool: pg.Pool, town: Town): Promise<Map<string, Ratio>> {
  const { payments, ...rest } = operations(town);
  const life = rest['token life (5 calls)'];
  const found = new Map<string, Ratio>();
  for (const [name, op] of Object.entries({ payments, 'token life (5 calls)': life })) {
    const rounds: Ratio[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const { base, own } = await measureInTurn(IN_FLIGHT, {
        base: () => plain(pool),
        own: op as () => Promise<unknown>,
      });
      rounds.push({ ...own, ofPlain: own.perSecond / base.perSecond });
    }
    rounds.sort((a, b) => a.ofPlain - b.ofPlain);
    found.set(name, rounds[Math.floor(ROUNDS / 2)] as Ratio);
  }
  return found;
}

function tableOf(sizes: readonly Size[], measured: readonly Map<string, Ratio>[]): string {
  const rows: string[][] = [];
  for (const [name, few] of measured[0] as Map<string, Ratio>) {
    for (const [index, { postings, tokens }] of sizes.entries()) {
      const { perSecond, ofPlain, p50, p99 } = (measured[index] as Map<string, Ratio>).get(name) as Ratio;
      const ratio = figure(ofPlain / few.ofPlain, 2);
      rows.push([
        name,
        String(postings),
        String(tokens),
        figure(perSecond, 0),
        figure(ofPlain, 2),
        figure(p50, 1),
        figure(p99, 1),
        ratio,
      ]);
    }
  }
  const head = ['what', 'postings', 'open tokens', 'per s', 'of plain', 'p50 ms', 'p99 ms', 'of small books'];
  return markdownTable(head, rows);
}

/**
 * Fills the books by SQL with what payments and tokens leave behind: payments of three postings with their event, and open tokens of two
 * with their hold, under journals of a chain of their own. All constraints and triggers stand, and the chain is as a writer leaves it.
 */
async function filler(
  pool: pg.Pool,
  { core, people, serviceId }: Town,
): Promise<(size: Size) => Promise<void>> {
  const [provider] = people as [Town['people'][number]];
  const made = await pool.query(
    `insert into ledger_chains (kind, used_at) values ('batch', now()) returning id`,
  );
  const chain = (made.rows[0] as { id: number }).id;
  await pool.query('create table filled (n int primary key, party text not null, wallet text not null)');
  for (const [n, { principal, walletId }] of people.entries())
    await pool.query('insert into filled values ($1, $2, $3)', [n, principal.party.id, walletId]);
  await createChaining(pool, core.settings.identity.pepper);
  const done = { payments: 0, tokens: 0, journals: 0 };

  async function part(kind: 'payments' | 'tokens', count: number): Promise<void> {
    const params = [chain, done.journals, done.journals + count];
    const service = [serviceId, provider.principal.party.id, provider.walletId];
    const client = await pool.connect();
    try {
      await client.query('begin');
      for (const [sql, ofService] of kind === 'payments' ? paymentParts : tokenParts)
        await client.query(
          sql.replaceAll('PEOPLE', `${people.length}`),
          ofService ? [...params, ...service] : params,
        );
      await client.query('commit');
    } finally {
      client.release();
    }
    done[kind] += count;
    done.journals += count;
  }

  return async (size) => {
    const rest = { tokens: size.tokens, payments: Math.ceil((size.postings - 2 * size.tokens) / 3) };
    for (const kind of ['tokens', 'payments'] as const)
      while (done[kind] < rest[kind]) await part(kind, Math.min(PART, rest[kind] - done[kind]));
    // What autovacuum would have done, had the books grown over weeks.
    await pool.query('vacuum analyze');
    await pool.query('checkpoint');
  };
}

type Part = readonly [sql: string, ofService: boolean];

const NUMBERS = `select i, $1::bigint * (1::bigint << 40) + i + 1 as number, payer.party, payer.wallet, payee.party as payee,
    payee.wallet as payee_wallet
  from generate_series($2::int, $3::int - 1) as i
  join filled as payer on payer.n = i % PEOPLE join filled as payee on payee.n = (i + 1) % PEOPLE`;
/** Journals and their lines. */
const booked = (key: string, kind: string, lines: string): Part[] =>
  journalsOf({ numbers: NUMBERS, key, kind, lines }).map((sql): Part => [sql, false]);
/** Balances by the lines of each; a row that is negative alone must not be inserted. */
const moved = (lines: string): Part[] => {
  const line = `(${NUMBERS}) as made, lateral (values ${lines}) as line (account, amount) group by account`;
  return [
    [
      `insert into ledger_balances (account, asset, amount) select account, 'USD', 0 from ${line} on conflict do nothing`,
      false,
    ],
    [
      `update ledger_balances as kept set amount = kept.amount + summed.amount
       from (select account, sum(amount) as amount from ${line}) as summed
       where kept.account = summed.account and kept.asset = 'USD'`,
      false,
    ],
  ];
};
const chainGrown: Part = [
  `update ledger_chains set length = $3, used_at = now(),
     head = (select hash from ledger_journals where number = $1::bigint * (1::bigint << 40) + $3)
   where id = $1 and $2::int >= 0`,
  false,
];

const PAID = `('w:' || wallet || ':avail', -11), ('w:' || payee_wallet || ':avail', 10)`;
const RESERVED = `('w:' || wallet || ':avail', -10), ('w:' || wallet || ':held', 10)`;

const paymentParts: readonly Part[] = [
  ...booked(`'tx_filled_' || i || ':complete'`, 'payment', `${PAID}, ('rev:payment', 1)`),
  ...moved(PAID),
  [
    `insert into ledger_totals as kept (chain, account, asset, amount) values ($1, 'rev:payment', 'USD', $3::int - $2::int)
     on conflict (chain, account, asset) do update set amount = kept.amount + excluded.amount`,
    false,
  ],
  [
    `insert into payments (id, rail, payer_id, payer_wallet_id, payee_id, payee_wallet_id, amount, fee, fee_mode, currency, status,
       idempotency_key, refunded, attempts, created_at, completed_at)
     select 'tx_filled_' || i, 'internal', party, wallet, payee, payee_wallet, 10, 1, 'on_top', 'USD', 'completed', 'filled-' || i, 0, 0,
       now(), now() from (${NUMBERS}) as made`,
    false,
  ],
  [
    `insert into events (id, type, subject, audience, data, created_at)
     select 'evt_filled_' || i, 'payment.completed', 'tx_filled_' || i, array[party, payee],
       jsonb_build_object('id', 'tx_filled_' || i, 'amount', '0.00001', 'rail', 'internal', 'status', 'completed'), now()
     from (${NUMBERS}) as made`,
    false,
  ],
  chainGrown,
];

const tokenParts: readonly Part[] = [
  ...booked(`'hold_filled_' || i || ':open'`, 'token.hold', RESERVED),
  ...moved(RESERVED),
  [
    `insert into ledger_holds (id, wallet_id, asset, amount, purpose, state, created_at)
     select 'hold_filled_' || i, wallet, 'USD', 10, 'token', 'open', now() from (${NUMBERS}) as made`,
    false,
  ],
  [
    `insert into payment_tokens (id, service_id, provider_id, payout_wallet_id, consumer_id, wallet_id, hold_id, amount, currency,
       sla_seconds, state, deadline, issued_at, expires_at)
     select 'tokid_filled_' || i, $4, $5, $6, party, wallet, 'hold_filled_' || i, 10, 'USD', 60, 'reserved', now() + interval '1 day',
       now(), now() + interval '1 day' from (${NUMBERS}) as made`,
    true,
  ],
  [
    `insert into events (id, type, subject, audience, data, created_at)
     select 'evt_filled_' || i, 'token.reserved', 'tokid_filled_' || i, array[party, $5],
       jsonb_build_object('id', 'tokid_filled_' || i, 'amount', '0.00001', 'state', 'reserved'), now()
     from (${NUMBERS}) as made where $4::text is not null and $6::text is not null`,
    true,
  ],
  chainGrown,
];
