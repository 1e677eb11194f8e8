import type { SqlValue } from '@agentpay/primitives';
import type { Table } from '../table.js';
import type { AnyEntity, Entity, RowWriter } from './Entity.js';

/** A row as the database has it and as the batch leaves it; undefined: there is none. */
export interface Slot {
  readonly key: readonly string[];
  readonly loaded: object | undefined;
  now: object | undefined;
}

/**
 * A decision asked for a row that is not there yet: it is loaded, and the decision made anew. No error, whose stack would cost more
 * than the decision.
 */
export class NotLoaded {
  constructor(
    readonly entity: AnyEntity,
    readonly key: readonly string[],
  ) {}
}

// oxlint-disable-next-line no-explicit-any
type AnyTable = Table<any>;

/**
 * What a batch of commands sees and what it writes, in memory: commands decide one after the other, each on what those before it
 * left behind.
 */
export interface Scene {
  /** The row with this key; undefined when there is none. */
  find<Row extends object>(entity: Entity<Row>, ...key: string[]): Row | undefined;
  insert<Row extends object>(entity: Entity<Row>, row: Row): void;
  /** Changes a row that was found; gives it as it is then. */
  update<Row extends object>(entity: Entity<Row>, row: Row, change: Partial<Row>): Row;
  /** Writes a row that no command of the batch reads. */
  append<Row extends object>(table: Table<Row>, row: Row): void;
  /** Writes a row in the way of its part. */
  add(part: RowWriter, row: readonly SqlValue[]): void;
  /** Keeps something for the end of the batch. */
  collect(name: string, value: unknown): void;
}

/** A scene with what the engine needs of it. */
export interface OpenScene extends Scene {
  readonly slots: Map<AnyEntity, Map<string, Slot>>;
  readonly appended: Map<AnyTable, object[]>;
  readonly added: Map<RowWriter, (readonly SqlValue[])[]>;
  readonly kept: Map<string, unknown[]>;
  collected(name: string): unknown[];
  /** Those of an entity, by the text of their key. */
  slotsOf(entity: AnyEntity): Map<string, Slot>;
  /** Puts a row on the scene as the database has it. */
  place(entity: AnyEntity, key: readonly string[], row: object | undefined): void;
  has(entity: AnyEntity, key: readonly string[]): boolean;
  /** Runs one command; what it did is undone when it throws. */
  attempt<T>(command: () => T): T;
  /** Whether the last command that ran writes anything. */
  wrote(): boolean;
}

/** Keeps what the command under way does, so that it can be undone. */
function changeLog(): Pick<OpenScene, 'attempt' | 'wrote'> & {
  push(list: unknown[], row: unknown): void;
  set(slot: Slot, row: object): void;
} {
  /** Lists that got a row and slots whose row changed, in order, and beside them what a slot had before. */
  const touched: (unknown[] | Slot)[] = [];
  const before: (object | undefined)[] = [];
  function undo(): void {
    for (let last = touched.pop(); last; last = touched.pop()) {
      const row = before.pop();
      if (Array.isArray(last)) last.pop();
      else last.now = row;
    }
  }
  return {
    push(list, row) {
      list.push(row);
      touched.push(list);
      before.push(undefined);
    },
    set(slot, row) {
      touched.push(slot);
      before.push(slot.now);
      slot.now = row;
    },
    attempt(command) {
      touched.length = before.length = 0;
      try {
        return command();
      } catch (error) {
        undo();
        throw error;
      }
    },
    wrote: () => touched.length > 0,
  };
}

export function keyText(key: readonly string[]): string {
  return key.length === 1 ? (key[0] as string) : key.join(' ');
}

export function keyOf(entity: AnyEntity, row: object): string[] {
  return entity.key.map((field) => String((row as Record<string, unknown>)[field]));
}

export function openScene(): OpenScene {
  const slots = new Map<AnyEntity, Map<string, Slot>>();
  const appended = new Map<AnyTable, object[]>();
  const added = new Map<RowWriter, (readonly SqlValue[])[]>();
  const kept = new Map<string, unknown[]>();
  const { push, set, attempt, wrote } = changeLog();

  const slotOf = (entity: AnyEntity, key: readonly string[]) => slots.get(entity)?.get(keyText(key));
  const slotsOf = (entity: AnyEntity) => {
    let ofEntity = slots.get(entity);
    if (!ofEntity) slots.set(entity, (ofEntity = new Map()));
    return ofEntity;
  };
  const place = (entity: AnyEntity, key: readonly string[], row: object | undefined) => {
    const slot = newSlot(key, row);
    slotsOf(entity).set(keyText(key), slot);
    return slot;
  };
  const scene: OpenScene = {
    slots,
    appended,
    added,
    kept,
    find<Row extends object>(entity: Entity<Row>, ...key: string[]) {
      const slot = slotOf(entity, key);
      if (slot) return slot.now as Row | undefined;
      // oxlint-disable-next-line no-throw-literal
      throw new NotLoaded(entity, key);
    },
    insert(entity, row) {
      const key = keyOf(entity, row);
      const slot = slotOf(entity, key) ?? place(entity, key, undefined);
      set(slot, row);
    },
    update(entity, row, change) {
      const changed = { ...row };
      for (const field in change) changed[field] = change[field] as (typeof row)[typeof field];
      set(slotOf(entity, keyOf(entity, row)) as Slot, changed);
      return changed;
    },
    append: (table, row) => push(listOf<AnyTable, object>(appended, table), row),
    add: (part, row) => push(listOf(added, part), row),
    collect: (name, value) => push(listOf(kept, name), value),
    collected: (name) => kept.get(name) ?? [],
    slotsOf,
    place: (entity, key, row) => void place(entity, key, row),
    has: (entity, key) => slotOf(entity, key) !== undefined,
    attempt,
    wrote,
  };
  return scene;
}

/** A row as the database has it; undefined: there is none. */
export function newSlot(key: readonly string[], row: object | undefined): Slot {
  return { key, loaded: row, now: row };
}

function listOf<K, V>(lists: Map<K, V[]>, name: K): V[] {
  let list = lists.get(name);
  if (!list) lists.set(name, (list = []));
  return list;
}
