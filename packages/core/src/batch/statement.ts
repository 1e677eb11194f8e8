import type { SqlValue } from '@agentpay/primitives';
import { column, toSql } from '../table.js';
import type { ColumnType, Table } from '../table.js';
import type { AnyEntity } from './Entity.js';
import type { OpenScene, Slot } from './Scene.js';

/** SQLSTATE of a statement that wrote nothing because a row was no longer what a decision rested on. */
export const CHANGED_MEANWHILE = 'AP001';

/** Everything a batch writes, as one statement. */
export interface Statement {
  readonly sql: string;
  readonly params: readonly SqlValue[];
}

/** Whether no command of the scene writes anything: it repeated what has happened before. */
export function writesNothing({ slots, appended, added }: OpenScene): boolean {
  if ([...appended.values(), ...added.values()].some((rows) => rows.length > 0)) return false;
  return [...slots.values()].every((ofEntity) =>
    [...ofEntity.values()].every(({ loaded, now }) => loaded === now),
  );
}

interface Writing {
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
export function statementOf(scene: OpenScene): Statement {
  const writing: Writing = { steps: [], params: [], counts: [], expected: 0 };
  for (const [entity, slots] of scene.slots) writeEntity(writing, entity, [...slots.values()]);
  for (const [table, rows] of scene.appended) insertRows(writing, table, rows);
  for (const [part, rows] of scene.added) {
    const places = part.types.map((type, i) =>
      place(
        writing,
        rows.map((row) => row[i] ?? null),
        type,
      ),
    );
    if (rows.length > 0) writing.steps.push(`${part.name} as (${part.sql(places)})`);
  }
  writing.params.push(writing.expected);
  const sum = [...writing.counts, '0'].join(' + ');
  return {
    sql: `with ${writing.steps.join(',\n')}\nselect batch_expect((${sum})::bigint, $${writing.params.length}::bigint)`,
    params: writing.params,
  };
}

function writeEntity(writing: Writing, entity: AnyEntity, slots: readonly Slot[]): void {
  const inserted = slots.filter(({ loaded, now }) => !loaded && now);
  const updated = slots.filter(({ loaded, now }) => loaded && now !== loaded);
  const watched = entity.watched ? slots.filter(({ loaded, now }) => now === loaded) : [];
  if (inserted.length > 0)
    insertRows(
      writing,
      entity.table,
      inserted.map(({ now }) => now as object),
    );
  if (updated.length > 0) updateRows(writing, entity, updated);
  if (watched.length > 0) watchRows(writing, entity, watched);
}

// oxlint-disable-next-line no-explicit-any
function insertRows(writing: Writing, table: Table<any>, rows: readonly object[]): void {
  if (rows.length === 0) return;
  const fields = Object.entries<ColumnType>(table.fields);
  const places = fields.map(([field, type]) => place(writing, valuesOf(rows, field, type), type)).join(', ');
  const columns = fields.map(([field]) => column(field)).join(', ');
  // A list in a column comes as its text: unnest would take lists of lists apart whole.
  const values = fields
    .map(([field, type]) => `${column(field)}${type === 'text[]' ? '::text[]' : ''}`)
    .join(', ');
  writing.steps.push(
    `i${writing.steps.length} as (insert into ${table.name} (${columns})
       select ${values} from unnest(${places}) as d (${columns}))`,
  );
}

function updateRows(writing: Writing, entity: AnyEntity, slots: readonly Slot[]): void {
  const { name, fields } = entity.table;
  const given = (of: readonly string[], prefix: string, rows: readonly object[]) =>
    of.map((field) => ({
      name: prefix + column(field),
      place: place(writing, valuesOf(rows, field, typeOf(fields, field)), typeOf(fields, field)),
    }));
  const loaded = slots.map((slot) => slot.loaded as object);
  const now = slots.map((slot) => slot.now as object);
  const key = given(entity.key, 'k_', loaded);
  const changed = given(entity.changes, 'n_', now);
  const guards = given(entity.guard, 'g_', loaded);
  const all = [...key, ...changed, ...guards];
  const [places, names] = [all.map((each) => each.place).join(', '), all.map((each) => each.name).join(', ')];
  const keys = entity.key.map(column);
  const same = keys.map((each) => `t.${each} = d.k_${each}`).join(' and ');
  const order = keys.map((each) => `d.k_${each}`).join(', ');
  const set = entity.changes.map((field) => `${column(field)} = d.n_${column(field)}`).join(', ');
  const held = [same, ...unchanged(entity)].join(' and ');
  writing.steps.push(
    `d_${name} as (select * from unnest(${places}) as d (${names}))`,
    `l_${name} as materialized (
       select d.* from d_${name} as d join ${name} as t on ${same} order by ${order} for no key update of t nowait)`,
    `u_${name} as (update ${name} as t set ${set} from l_${name} as d where ${held} returning 1)`,
  );
  writing.counts.push(`(select count(*) from u_${name})`);
  writing.expected += slots.length;
}

/** Counts the rows that still are what was read; a row that was not there must still not be there. */
function watchRows(writing: Writing, entity: AnyEntity, slots: readonly Slot[]): void {
  const { name, fields } = entity.table;
  const rows = slots.map((slot) => slot.loaded ?? {});
  const keys = entity.key.map((field) => column(field));
  const keyPlaces = entity.key.map((field, i) =>
    place(
      writing,
      slots.map((slot) => slot.key[i] as string),
      typeOf(fields, field),
    ),
  );
  const guards = entity.guard.map((field) =>
    place(writing, valuesOf(rows, field, typeOf(fields, field)), typeOf(fields, field)),
  );
  const names = [...keys.map((each) => `k_${each}`), ...entity.guard.map((field) => `g_${column(field)}`)];
  const same = keys.map((each) => `t.${each} = d.k_${each}`).join(' and ');
  const places = [...keyPlaces, ...guards].join(', ');
  const held = unchanged(entity).join(' and ');
  writing.counts.push(
    `(select count(*) from unnest(${places}) as d (${names.join(', ')}) left join ${name} as t on ${same} where ${held})`,
  );
  writing.expected += slots.length;
}

function unchanged({ guard }: AnyEntity): string[] {
  return guard.map((field) => `t.${column(field)} is not distinct from d.g_${column(field)}`);
}

function typeOf(fields: Readonly<Record<string, ColumnType>>, field: string): ColumnType {
  return fields[field] as ColumnType;
}

function valuesOf(rows: readonly object[], field: string, type: ColumnType): SqlValue[] {
  const values = rows.map((row) => toSql((row as Record<string, unknown>)[field] ?? null, type));
  return type === 'text[]' ? values.map((value) => listText(value as readonly string[])) : values;
}

/** A list as PostgreSQL writes it. */
function listText(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
}

function place(writing: Writing, values: readonly SqlValue[], type: ColumnType): string {
  writing.params.push(values);
  return `$${writing.params.length}::${type === 'text[]' ? 'text' : type}[]`;
}
