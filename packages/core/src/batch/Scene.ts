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
  /** Puts a row on the scene as the database has it. */
  place(entity: AnyEntity, key: readonly string[], row: object | undefined): void;
  has(entity: AnyEntity, key: readonly string[]): boolean;
  /** Runs one command; what it did is undone when it throws. */
  attempt<T>(command: () => T): T;
  /** Whether the last command that ran writes anything. */
  wrote(): boolean;
}

export function keyText(key: readonly string[]): string {
  let text = key[0] as string;
  for (let i = 1; i < key.length; i++) text += ` ${key[i]}`;
  return text;
}

export function keyOf(entity: AnyEntity, row: object): string[] {
  return entity.key.map((field) => String((row as Record<string, unknown>)[field]));
}

export function openScene(): OpenScene {
  const slots = new Map<AnyEntity, Map<string, Slot>>();
  const appended = new Map<AnyTable, object[]>();
  const added = new Map<RowWriter, (readonly SqlValue[])[]>();
  const kept = new Map<string, unknown[]>();
  let undo: (() => void)[] = [];

  const slotOf = (entity: AnyEntity, key: readonly string[]) => slots.get(entity)?.get(keyText(key));
  const push = <K, V>(lists: Map<K, V[]>, name: K, value: V) => {
    const list = listOf(lists, name);
    list.push(value);
    undo.push(() => void list.pop());
  };
  const set = (slot: Slot, row: object) => {
    const before = slot.now;
    slot.now = row;
    undo.push(() => (slot.now = before));
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
      const slot = slotOf(entity, key) ?? place(slots, entity, key, undefined);
      set(slot, row);
    },
    update(entity, row, change) {
      const changed = { ...row, ...change };
      set(slotOf(entity, keyOf(entity, row)) as Slot, changed);
      return changed;
    },
    append: (table, row) => push<AnyTable, object>(appended, table, row),
    add: (part, row) => push(added, part, row),
    collect: (name, value) => push(kept, name, value),
    collected: (name) => kept.get(name) ?? [],
    place: (entity, key, row) => void place(slots, entity, key, row),
    has: (entity, key) => slotOf(entity, key) !== undefined,
    attempt(command) {
      undo = [];
      try {
        return command();
      } catch (error) {
        for (const step of undo.reverse()) step();
        throw error;
      }
    },
    wrote: () => undo.length > 0,
  };
  return scene;
}

function place(
  slots: OpenScene['slots'],
  entity: AnyEntity,
  key: readonly string[],
  row: object | undefined,
): Slot {
  const slot: Slot = { key, loaded: row, now: row };
  let ofEntity = slots.get(entity);
  if (!ofEntity) slots.set(entity, (ofEntity = new Map()));
  ofEntity.set(keyText(key), slot);
  return slot;
}

function listOf<K, V>(lists: Map<K, V[]>, name: K): V[] {
  let list = lists.get(name);
  if (!list) lists.set(name, (list = []));
  return list;
}
