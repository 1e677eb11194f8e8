import type { SqlValue } from '@agentpay/primitives';
import { column, isJson, toSql } from '../columns.js';
import type { ColumnType } from '../columns.js';
import type { Table } from '../table.js';
import type { AnyEntity } from './Entity.js';
import { arrayText } from './arrayText.js';
import type { OpenScene, Slot } from './Scene.js';

/** SQLSTATE of a statement that wrote nothing because a row was no longer what a decision rested on. */
export const CHANGED_MEANWHILE = 'AP001';

/** Everything a batch writes, as one statement. */
export interface Statement {
  readonly sql: string;
  readonly params: readonly SqlValue[];
}

/** Whether no command of the scene writes anything: it repeated what has happened before. */
export function writesNothing({ slots, appended, added, kept }: OpenScene): boolean {
  // What is kept for the end of a batch is written then: a journal of the platform's own accounts changes no row before that.
  const lists = [...appended.values(), ...added.values(), ...kept.values()];
  if (lists.some((rows) => rows.length > 0)) return false;
  return [...slots.values()].every((ofEntity) =>
    [...ofEntity.values()].every(({ loaded, now }) => loaded === now),
  );
}

/**
 * Columns, as `table.column`, in which rows of one batch have differed so far. The values of the others go along once instead of once
 * for each row. Only ever grows, so that a kind of batch comes to one text, whose plan is kept.
 */
export type Varying = Set<string>;

interface StatementOptions {
  /** Whether it is the statement of one command: its rows are few, and their number is known beforehand. */
  readonly single: boolean;
  readonly varying: Varying;
}

interface Writing extends StatementOptions {
  readonly steps: string[];
  readonly params: SqlValue[];
  /** SQL of numbers that add up to `expected` when every row was still what it was. */
  readonly counts: string[];
  expected: number;
}

/**
 * One statement for a whole batch: it runs alone, so that it is a transaction by itself, or inside one. Rows that other transactions
 * hold are not waited for (55P03), and where a guarded row has changed, nothing at all is written (AP001): the caller decides anew.
 */
export function statementOf(scene: OpenScene, options: StatementOptions): Statement {
  const writing: Writing = { ...options, steps: [], params: [], counts: [], expected: 0 };
  const ranked = [...scene.slots].sort(([a], [b]) => a.rank - b.rank);
  for (const [entity, slots] of ranked) writeEntity(writing, entity, slots);
  for (const [table, rows] of scene.appended) insertRows(writing, table, rows);
  for (const [writer, rows] of scene.added) {
    if (rows.length === 0) continue;
    const columns = writer.types.map((type, i) => ({ name: `c${i}`, type, rows, field: i }));
    const rowsOf = `(select * from ${source(writing, writer.name, columns)})`;
    writing.steps.push(`${writer.name} as (${writer.sql(rowsOf)})`);
  }
  writing.params.push(writing.expected);
  const sum = [...writing.counts, '0'].join(' + ');
  return {
    sql: `with ${writing.steps.join(',\n')}\nselect batch_expect((${sum})::bigint, $${writing.params.length}::bigint)`,
    params: writing.params,
  };
}

/** A slot with the text of its key. */
type KeyedSlot = readonly [text: string, slot: Slot];

function writeEntity(writing: Writing, entity: AnyEntity, slots: ReadonlyMap<string, Slot>): void {
  const inserted: object[] = [];
  const updated: KeyedSlot[] = [];
  const watched: Slot[] = [];
  for (const keyed of slots) {
    const [, slot] = keyed;
    if (slot.now !== slot.loaded) {
      if (slot.loaded) updated.push(keyed);
      else if (slot.now) inserted.push(slot.now);
    } else if (entity.watched) watched.push(slot);
  }
  insertRows(writing, entity.table, inserted);
  if (updated.length > 0) updateRows(writing, entity, updated);
  if (watched.length > 0) watchRows(writing, entity, watched);
}

// oxlint-disable-next-line no-explicit-any
function insertRows(writing: Writing, table: Table<any>, rows: readonly object[]): void {
  if (rows.length === 0) return;
  const fields = Object.entries<ColumnType>(table.fields);
  const columns = fields.map(([field]) => column(field)).join(', ');
  const given = fields.map(([field, type]) => ({ name: column(field), type, rows, field }));
  writing.steps.push(
    `i${writing.steps.length} as (insert into ${table.name} (${columns})
       select ${columns} from ${source(writing, table.name, given)})`,
  );
}

/**
 * Rows are looked up one by one in the order of their keys, which is the order in which everybody locks them; what the planner thinks of
 * the size of a table changes nothing about that.
 */
function updateRows(writing: Writing, entity: AnyEntity, slots: readonly KeyedSlot[]): void {
  const { name } = entity.table;
  const sorted = [...slots].sort(([a], [b]) => (a < b ? -1 : 1));
  const loaded = sorted.map(([, slot]) => slot.loaded as object);
  const now = sorted.map(([, slot]) => slot.now as object);
  const given = (of: readonly string[], prefix: string, rows: readonly object[]) =>
    of.map((field) => columnOf(prefix, entity, rows, field));
  const changed = given(entity.changes, 'n_', now);
  const all = [...given(entity.key, 'k_', loaded), ...changed, ...given(entity.guard, 'g_', loaded)];
  const set = entity.changes.map((field) => `${column(field)} = l.n_${column(field)}`).join(', ');
  const held = [sameKey(entity), ...unchanged(entity)].join(' and ');
  writing.steps.push(
    `l_${name} as materialized (
       select t.tid, ${changed.map((each) => each.name).join(', ')} from ${source(writing, name, all)}
       cross join lateral (select ctid as tid from ${name} as t where ${held} limit 1 for no key update nowait) as t)`,
    `u_${name} as (update ${name} as t set ${set} from l_${name} as l where t.ctid = l.tid returning 1)`,
  );
  writing.counts.push(`(select count(*) from u_${name})`);
  writing.expected += slots.length;
}

/** Counts the rows that still are what was read; a row that was not there must still not be there. */
function watchRows(writing: Writing, entity: AnyEntity, slots: readonly Slot[]): void {
  const { name } = entity.table;
  const keys = slots.map((slot) => slot.key);
  const rows = slots.map((slot) => slot.loaded ?? {});
  const given = [
    ...entity.key.map((field, i) => ({ ...columnOf('k_', entity, keys, field), field: i })),
    ...entity.guard.map((field) => columnOf('g_', entity, rows, field)),
  ];
  const held = unchanged(entity).join(' and ');
  writing.counts.push(
    `(select count(*) from ${source(writing, name, given)}
      left join lateral (select * from ${name} as t where ${sameKey(entity)} limit 1) as t on true where ${held})`,
  );
  writing.expected += slots.length;
}

function sameKey({ key }: AnyEntity): string {
  return key.map((field) => `t.${column(field)} = d.k_${column(field)}`).join(' and ');
}

function unchanged({ guard }: AnyEntity): string[] {
  return guard.map((field) => `t.${column(field)} is not distinct from d.g_${column(field)}`);
}

/** A column of the rows that go along with the statement: a field of each of them. */
interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly rows: readonly object[];
  readonly field: string | number;
}

function columnOf(prefix: string, { table }: AnyEntity, rows: readonly object[], field: string): Column {
  return { name: prefix + column(field), type: table.fields[field] as ColumnType, rows, field };
}

function fieldOf({ rows, field }: Column, row: number): unknown {
  return (rows[row] as Record<string | number, unknown>)[field] ?? null;
}

function paramOf(of: Column, row: number): SqlValue {
  const value = fieldOf(of, row);
  return of.type === 'text[]' ? arrayText(value as readonly string[]) : toSql(value, of.type);
}

/** Values that go along as their text: unnest would take lists of lists apart whole, and within a list JSON would be escaped. */
function isSentAsText({ type }: Column): boolean {
  return type === 'text[]' || isJson(type);
}

/** A parameter with the values of a column as SQL of a list of them. JSON as it is written here has no line break: its values are lines. */
function listOf(of: Column, place: string): string {
  if (isJson(of.type)) return `string_to_array(${place}::text, E'\\n', 'null')`;
  return `${place}::${of.type === 'text[]' ? 'text' : of.type}[]`;
}

/** Rows of one command are few enough to be written out. */
const MAX_WRITTEN_OUT = 4;

/**
 * The rows as a table `d`. Of one command they are written out; of a batch each column is one parameter, a list of values or the one that
 * all rows have, so that a statement has the same text for any number of rows and is planned once.
 */
function source(writing: Writing, table: string, columns: readonly Column[]): string {
  const { params } = writing;
  const count = columns[0]?.rows.length ?? 0;
  if (writing.single && count <= MAX_WRITTEN_OUT) {
    const rows = Array.from({ length: count }, (_, row) => {
      const places = columns.map((each) => `$${params.push(paramOf(each, row))}::${each.type}`);
      return `(${places.join(', ')})`;
    });
    return `(values ${rows.join(', ')}) as d (${columns.map(({ name }) => name).join(', ')})`;
  }
  const own = ownValues(writing, table, columns);
  const shown = columns.map((each) => {
    const { name, type } = each;
    if (!own.includes(each)) return `$${params.push(paramOf(each, 0))}::${type} as ${name}`;
    return isSentAsText(each) ? `r.${name}::${type} as ${name}` : `r.${name}`;
  });
  if (own.length === 0) return `(select ${shown.join(', ')}) as d`;
  const names = own.map(({ name }) => name);
  const arrays = own.map((each) => `${listOf(each, `$${params.push(columnText(each))}`)} as ${each.name}`);
  // Behind "offset 0" the planner does not look at the values: it would plan anew for each of them.
  return `(select ${shown.join(', ')} from (select ${arrays.join(', ')} offset 0) as a,
    unnest(${names.map((name) => `a.${name}`).join(', ')}) as r (${names.join(', ')})) as d`;
}

/** Columns that need a value for each row. */
function ownValues({ varying }: Writing, table: string, columns: readonly Column[]): readonly Column[] {
  const own = columns.filter((each) => {
    const column = `${table}.${each.name}`;
    const differs = varying.has(column) || isVarying(each);
    if (differs) varying.add(column);
    return differs;
  });
  // Rows that are all the same are still so many.
  const several = (columns[0]?.rows.length ?? 0) > 1;
  return own.length === 0 && several ? columns.slice(0, 1) : own;
}

function isVarying(of: Column): boolean {
  const first = fieldOf(of, 0);
  return of.rows.some((_, row) => fieldOf(of, row) !== first);
}

function columnText(of: Column): string {
  const values = of.rows.map((_, row) => fieldOf(of, row));
  if (isJson(of.type)) return values.map((value) => String(toSql(value, of.type))).join('\n');
  if (of.type === 'text[]') return arrayText(values.map((list) => arrayText(list as readonly string[])));
  return arrayText(values as readonly SqlValue[]);
}
