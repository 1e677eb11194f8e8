import type { Clock } from '@agentpay/primitives';
import type { AnyEntity } from './Entity.js';

/** Rows as they were when last seen. May be stale: whatever is decided by them is checked when it is written. */
export interface RowCache {
  /** The row, null when it was absent; undefined when nothing is known. */
  get(entity: AnyEntity, key: string): object | null | undefined;
  set(entity: AnyEntity, key: string, row: object | null): void;
  forget(entity: AnyEntity, key: string): void;
}

interface Kept {
  readonly row: object | null;
  readonly until: number;
}

/** Keeps at most `limit` rows of each entity, those that were set last. */
export function rowCache(limit: number, clock: Pick<Clock, 'now'>): RowCache {
  const kept = new Map<AnyEntity, Map<string, Kept>>();
  const of = (entity: AnyEntity) => {
    let rows = kept.get(entity);
    if (!rows) kept.set(entity, (rows = new Map()));
    return rows;
  };
  return {
    get(entity, key) {
      const found = kept.get(entity)?.get(key);
      return found && clock.now() < found.until ? found.row : undefined;
    },
    set(entity, key, row) {
      if (entity.keptMs === 0) return;
      const rows = of(entity);
      rows.delete(key);
      if (row && !entity.kept(row)) return;
      rows.set(key, { row, until: clock.now() + entity.keptMs });
      if (rows.size > limit) rows.delete(rows.keys().next().value as string);
    },
    forget: (entity, key) => void kept.get(entity)?.delete(key),
  };
}
