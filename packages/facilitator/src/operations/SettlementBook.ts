import {
  AgentPayError,
  isId,
  newId,
  sqlState,
  type Clock,
  type Db,
  type Network,
} from '@agentpay/primitives';
import type { PaymentKey } from '@agentpay/protocol';
import type { SettlementState } from '../engine/Settlement.js';
import type { MinedTransaction } from '../engine/sending/MinedTransaction.js';

/** A settlement as operators see it: everything but the signature. */
export interface SettlementRecord {
  readonly id: string;
  readonly state: SettlementState;
  readonly network: string;
  /** The contract in which the nonce is used up: the token, or Permit2. */
  readonly asset: string;
  readonly payer: string;
  readonly payTo: string | null;
  readonly scheme: string;
  /** Base units of the token. */
  readonly amount: string;
  readonly nonce: string;
  readonly transaction: string | null;
  /** Where people look at the transaction. */
  readonly explorer: string | null;
  readonly reason: string | null;
  readonly message: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface SettlementFilter {
  readonly state?: SettlementState | undefined;
  readonly payer?: string | undefined;
  readonly limit: number;
  /** The `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
}

export interface SettlementPage {
  readonly settlements: readonly SettlementRecord[];
  readonly nextCursor: string | null;
}

/** What was settled of the settlements that began in one hour, and the gas of transactions that mined in it. */
export interface ActivityHour {
  readonly hour: Date;
  readonly settled: number;
  readonly failed: number;
  readonly open: number;
  /** Base units moved. */
  readonly volume: string;
  readonly gasUsed: string;
  /** Payments which that gas carried. */
  readonly payments: number;
}

/** Settlements to be looked at, of all replicas on the database. It changes none of them. */
export interface SettlementBook {
  readonly network: Network;
  get(id: string): Promise<SettlementRecord | undefined>;
  /** The settlement of a payment; there is one for each nonce. */
  find(key: PaymentKey): Promise<SettlementRecord | undefined>;
  /** Newest first. */
  list(filter: SettlementFilter): Promise<SettlementPage>;
  /** @throws AgentPayError `unavailable` when there is too much to add up */
  activity(hours: number): Promise<readonly ActivityHour[]>;
  queue(): Promise<{ readonly claimed: number; readonly sent: number; readonly oldestSeconds: number }>;
  /** Keeps what a transaction cost. */
  mined(transaction: MinedTransaction): Promise<void>;
}

const SELECT = `select id, state, network, scheme, asset, payer,
    coalesce("authorization"->>'to', "authorization"->'witness'->>'to') as "payTo",
    nonce, amount, hash as transaction, reason, message, created_at as "createdAt", updated_at as "updatedAt"
  from facilitator_settlements`;
const HOUR_MS = 3_600_000;
const ACTIVITY_TIMEOUT = '5s';

type Row = Omit<SettlementRecord, 'explorer'>;

/**
 * The records of settlements, as operators see them.
 * @example
 * ```ts
 * import { migrations, settlementBook } from '@agentpay/facilitator';
 * import { baseSepolia as network, systemClock as clock } from '@agentpay/primitives';
 * import { migrate, pgDb } from '@agentpay/storage';
 *
 * const db = await pgDb({ url: process.env['DATABASE_URL'] ?? '' });
 * await migrate(db, migrations);
 * const { settlements } = await settlementBook(db, { clock, network }).list({ state: 'failed', limit: 20 });
 * console.log(settlements);
 * await db.close();
 * ```
 */
export function settlementBook(
  db: Db,
  { clock, network }: { clock: Clock; network: Network },
): SettlementBook {
  const shown = (row: Row): SettlementRecord => ({
    ...row,
    explorer:
      row.transaction && row.network === network.id ? `${network.explorer}/tx/${row.transaction}` : null,
  });

  return {
    network,

    async find(key) {
      const row = await selectByKey(db, key);
      return row && shown(row);
    },

    async get(id) {
      const [row] = await db.query<Row>(`${SELECT} where id = $1`, [id]);
      return row && shown(row);
    },

    async list(filter) {
      const rows = await selectPage(db, filter);
      const settlements = rows.slice(0, filter.limit).map(shown);
      const more = rows.length > filter.limit;
      return { settlements, nextCursor: more ? (settlements.at(-1)?.id ?? null) : null };
    },

    async activity(hours) {
      const since = (Math.floor(clock.now() / HOUR_MS) - hours + 1) * HOUR_MS;
      const found = await addUp(db, since);
      return Array.from({ length: hours }, (_, i) => {
        const at = since + i * HOUR_MS;
        return { hour: new Date(at), ...NOTHING, ...found.get(at) };
      });
    },

    async queue() {
      const now = clock.now();
      const [row] = await db.query<{ claimed: bigint; sent: bigint; oldest: Date | null }>(
        `select count(*) filter (where state = 'claimed') as claimed, count(*) filter (where state = 'sent') as sent,
                min(updated_at) as oldest
           from facilitator_settlements where state in ('claimed', 'sent')`,
      );
      const oldestSeconds = row?.oldest ? Math.max(0, (now - row.oldest.getTime()) / 1000) : 0;
      return { claimed: Number(row?.claimed ?? 0), sent: Number(row?.sent ?? 0), oldestSeconds };
    },

    async mined({ hash, gasUsed, payments, success }) {
      await db.query(
        `insert into facilitator_gas (hash, gas_used, payments, success, mined_at) values ($1, $2, $3, $4, $5)
         on conflict (hash) do nothing`,
        [hash, gasUsed, payments, success, new Date(clock.now())],
      );
    },
  };
}

async function selectByKey(db: Db, { network, asset, payer, nonce }: PaymentKey): Promise<Row | undefined> {
  const [row] = await db.query<Row>(
    `${SELECT} where network = $1 and asset = $2 and payer = $3 and nonce = $4`,
    [network, asset, payer, nonce].map((part) => part.toLowerCase()),
  );
  return row;
}

/** One row more than the page has, when there is one. */
function selectPage(db: Db, { state, payer, limit, cursor }: SettlementFilter): Promise<readonly Row[]> {
  const params: (string | number)[] = [];
  const conditions = [
    state !== undefined && `state = $${params.push(state)}`,
    payer !== undefined && `payer = $${params.push(payer.toLowerCase())}`,
    cursor !== undefined && `id < $${params.push(cursor)}`,
  ].filter((condition) => condition !== false);
  const where = conditions.length > 0 ? `where ${conditions.join(' and ')}` : '';
  // ids sort by time
  return db.query<Row>(`${SELECT} ${where} order by id desc limit $${params.push(limit + 1)}`, params);
}

type Sums = Omit<ActivityHour, 'hour'>;
const NOTHING: Sums = { settled: 0, failed: 0, open: 0, volume: '0', gasUsed: '0', payments: 0 };
const hourOf = (column: string) => `(floor(extract(epoch from ${column}) / 3600) * 3600000)::bigint`;

/** Sums by the hour, in ms since the Unix epoch. */
async function addUp(db: Db, since: number): Promise<Map<number, Partial<Sums>>> {
  const first = newId('settlement', {
    clock: { now: () => since, timer: () => () => {} },
    random: { bytes: (n) => new Uint8Array(n) },
  });
  try {
    return await db.tx(async (tx) => {
      await tx.query(`set local statement_timeout = '${ACTIVITY_TIMEOUT}'`);
      const settled = await tx.query<{
        at: bigint;
        settled: bigint;
        failed: bigint;
        open: bigint;
        volume: string | null;
      }>(
        `select ${hourOf('created_at')} as at, count(*) filter (where state = 'settled') as settled,
                count(*) filter (where state = 'failed') as failed, count(*) filter (where state in ('claimed', 'sent')) as open,
                sum(amount::numeric) filter (where state = 'settled' and scheme not in
                  ('escrow-authorize', 'escrow-void', 'escrow-refund'))::text as volume
           from facilitator_settlements where id >= $1 group by 1`,
        [first],
      );
      const gas = await tx.query<{ at: bigint; gas: string; payments: bigint }>(
        `select ${hourOf('mined_at')} as at, sum(gas_used)::text as gas, sum(payments)::bigint as payments
           from facilitator_gas where mined_at >= $1 group by 1`,
        [new Date(since)],
      );
      const sums = new Map<number, Partial<Sums>>();
      for (const { at, volume, ...counts } of settled) {
        const { settled: done, failed, open } = counts;
        sums.set(Number(at), {
          settled: Number(done),
          failed: Number(failed),
          open: Number(open),
          volume: volume ?? '0',
        });
      }
      for (const row of gas) {
        sums.set(Number(row.at), {
          ...sums.get(Number(row.at)),
          gasUsed: row.gas,
          payments: Number(row.payments),
        });
      }
      return sums;
    });
  } catch (error) {
    // 57014: the statement took too long
    if (sqlState(error) !== '57014') throw error;
    throw new AgentPayError('unavailable', 'There are too many settlements to add up; ask for fewer hours.', {
      cause: error,
    });
  }
}

/** Whether a text can be the id of a settlement. */
export const isSettlementId = (text: string): boolean => isId('settlement', text);
