import { newestMap } from '@agentpay/primitives';
import type { Clock, NewestMap } from '@agentpay/primitives';
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

/** Keeps at most `limit` rows of each entity, those that came last. */
export function rowCache(limit: number, clock: Pick<Clock, 'now'>): RowCache {
  const kept = new Map<AnyEntity, NewestMap<string, Kept>>();
  const of = (entity: AnyEntity) => {
    let rows = kept.get(entity);
    if (!rows) kept.set(entity, (rows = newestMap(limit)));
    return rows;
  };
  return {
    get(entity, key) {
      const found = kept.get(entity)?.get(key);
      return found && (found.until === Infinity || clock.now() < found.until) ? found.row : undefined;
    },
    set(entity, key, row) {
      if (entity.keptMs === 0) return;
      const rows = of(entity);
      if (row && !entity.kept(row)) return rows.delete(key);
      const until = entity.keptMs === Infinity ? Infinity : clock.now() + entity.keptMs;
      rows.set(key, { row, until });
    },
    forget: (entity, key) => kept.get(entity)?.delete(key),
  };
}
