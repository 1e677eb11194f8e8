import type { Queryable, SqlValue } from '@agentpay/primitives';
import { column, toSql } from './columns.js';
import type { Fields } from './columns.js';
import { keysetOf } from './keyset.js';
import type { KeysetPart, ListOrder } from './keyset.js';
import type { Counted, Page } from './Page.js';

/** One table and what every store does with it. SQL that is more than that stays SQL, with {@link Table.columns} as its list. */
export interface Table<Row> {
  readonly name: string;
  readonly fields: Fields<Row>;
  /** The select list: every column under the name of its field. */
  readonly columns: string;
  insert(db: Queryable, row: Row): Promise<void>;
  /** False when a unique column has one of its values already; then nothing is written. */
  insertNew(db: Queryable, row: Row): Promise<boolean>;
  /** Writes all rows in one statement. The table has no column of type text[]. */
  insertAll(db: Queryable, rows: readonly Row[]): Promise<void>;
  /** {@link insertAll}, leaving out rows with a unique column that has one of its values already. */
  insertAllNew(db: Queryable, rows: readonly Row[]): Promise<void>;
  /** The row with these values; null matches null. */
  find(db: Queryable, by: Partial<Row>): Promise<Row | undefined>;
  /** {@link find}, and locks the row until the transaction ends. */
  lock(db: Queryable, by: Partial<Row>): Promise<Row | undefined>;
  /** Writes `change` to the rows with the values of `by` and gives them as they are afterwards. */
  update(db: Queryable, by: Partial<Row>, change: Partial<Row>): Promise<Row[]>;
  /** `select <columns> from <name>` and what follows: where, order, limit. */
  select(db: Queryable, rest: string, params?: readonly SqlValue[]): Promise<Row[]>;
  /** A page of the rows that `where` is true for, and how many there are in all. */
  page(db: Queryable, wanted: RowPage<Row>): Promise<{ rows: Row[] } & Counted>;
}

/** Which rows, in which order, and which part of them. */
export interface RowPage<Row> extends Page {
  readonly where: string;
  /** Two conditions of which a row meets one or both, each found in order by its own index: with an `or` all rows would be sorted. */
  readonly either?: readonly [string, string] | undefined;
  readonly params: readonly SqlValue[];
  readonly order: ListOrder<Row>;
}

/**
 * Names a table and the fields of its rows. The column of a field is its name in snake case.
 *
 * @example
 * const wallets = table<Wallet>('wallets', { id: 'text', ownerId: 'text', currency: 'text', createdAt: 'timestamptz' });
 */
export function table<Row extends object>(name: string, fields: Fields<Row>): Table<Row> {
  const names = Object.keys(fields) as (keyof Row & string)[];
  const columns = names.map((field) => shown(field)).join(', ');
  const target = `insert into ${name} (${names.map(column).join(', ')})`;
  const places = names.map((field, i) => `$${i + 1}::${fields[field]}`).join(', ');
  const arrays = names.map((field, i) => `$${i + 1}::${fields[field]}[]`).join(', ');
  const valuesOf = (row: Row) => names.map((field) => toSql(row[field], fields[field]));

  async function one(db: Queryable, by: Partial<Row>, lock: string): Promise<Row | undefined> {
    const { text, params } = where(fields, by);
    const [row] = await db.query<Row>(`select ${columns} from ${name} where ${text} limit 1${lock}`, params);
    return row;
  }

  async function insertRows(db: Queryable, rows: readonly Row[], otherwise: string): Promise<void> {
    if (rows.length === 0) return;
    const params = names.map((field) => rows.map((row) => toSql(row[field], fields[field])));
    await db.query(`${target} select * from unnest(${arrays})${otherwise}`, params);
  }

  return {
    name,
    fields,
    columns,
    async insert(db, row) {
      await db.query(`${target} values (${places})`, valuesOf(row));
    },
    async insertNew(db, row) {
      const written = `${target} values (${places}) on conflict do nothing returning 1`;
      return (await db.query(written, valuesOf(row))).length === 1;
    },
    insertAll: (db, rows) => insertRows(db, rows, ''),
    insertAllNew: (db, rows) => insertRows(db, rows, ' on conflict do nothing'),
    find: (db, by) => one(db, by, ''),
    lock: (db, by) => one(db, by, ' for no key update'),
    update(db, by, change) {
      const set = assignments(fields, change);
      const { text, params } = where(fields, by, set.params);
      return db.query<Row>(`update ${name} set ${set.text} where ${text} returning ${columns}`, params);
    },
    select: (db, rest, params = []) => db.query<Row>(`select ${columns} from ${name} ${rest}`, params),
    async page(db, { where: condition, either, params, order, ...wanted }) {
      const keyset = keysetOf(fields, order);
      const part = keyset.part(wanted, params);
      const from = either
        ? fromEither(name, condition, either, part)
        : `${name} where ${condition}${part.text}`;
      const rows = await db.query<Row>(`select ${columns} from ${from}`, part.params);
      const count = either ? countEither(name, condition, either) : countOf(name, condition);
      const [counted] = await db.query<{ total: bigint }>(`select ${count} as total`, params);
      return { ...keyset.page(rows, wanted), total: Number(counted?.total ?? 0n) };
    },
  };
}

type Either = readonly [string, string];

/** The page of the rows that meet one of two conditions or both: the first ones of each, put together. */
function fromEither(name: string, where: string, [one, other]: Either, { ofOne, ofAll }: KeysetPart): string {
  const first = `select * from ${name} where ${one} and ${where}${ofOne}`;
  const second = `select * from ${name} where ${other} and (${one}) is not true and ${where}${ofOne}`;
  return `((${first}) union all (${second})) as ${name}${ofAll}`;
}

function countEither(name: string, where: string, [one, other]: Either): string {
  const count = (condition: string) => countOf(name, `${condition} and ${where}`);
  return `${count(one)} + ${count(other)} - ${count(`${one} and ${other}`)}`;
}

function countOf(name: string, where: string): string {
  return `(select count(*) from ${name} where ${where})`;
}

/**
 * A condition on one parameter that holds for every row where the parameter is null. Which of the two is known before the statement is
 * prepared: `$1 is null or …` within it would use no index.
 *
 * @example
 * page(db, { where: ifGiven(status, 'status = $1'), params: [status], ... });
 */
export function ifGiven(value: SqlValue, condition: string): string {
  if (value !== null) return condition;
  const [place = ''] = /\$\d+/.exec(condition) ?? [];
  return `${place}::text is null`;
}

interface Part {
  readonly text: string;
  readonly params: SqlValue[];
}

/** The condition that a row has these values; `before` are the parameters in front of its own. */
function where<Row>(fields: Fields<Row>, by: Partial<Row>, before: readonly SqlValue[] = []): Part {
  const params = [...before];
  const terms = present(fields, by).map((field) => {
    const value = toSql(by[field], fields[field]);
    // "is not distinct from" would use no index.
    if (value === null) return `${column(field)} is null`;
    return `${column(field)} = $${params.push(value)}::${fields[field]}`;
  });
  return { text: terms.join(' and '), params };
}

function assignments<Row>(fields: Fields<Row>, change: Partial<Row>): Part {
  const params: SqlValue[] = [];
  const terms = present(fields, change).map(
    (field) => `${column(field)} = $${params.push(toSql(change[field], fields[field]))}::${fields[field]}`,
  );
  return { text: terms.join(', '), params };
}

function present<Row>(fields: Fields<Row>, part: Partial<Row>): (keyof Row & string)[] {
  return (Object.keys(fields) as (keyof Row & string)[]).filter((field) => part[field] !== undefined);
}

function shown(field: string): string {
  return column(field) === field ? field : `${column(field)} as "${field}"`;
}
