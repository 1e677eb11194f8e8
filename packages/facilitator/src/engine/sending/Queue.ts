import { keyText, type Settlement, type SettlementKey } from '../Settlement.js';

/** Claimed settlements of this process that wait to be signed, and what is known of them meanwhile. */
export interface Queue {
  enter(settlement: Settlement): void;
  /** It was signed and sent, or will not be. */
  leave(id: string): void;
  has(key: SettlementKey): boolean;
  ids(): readonly string[];
  /** A signed transaction may be on record for these: the database was asked, and its response got lost. */
  doubt(ids: readonly string[]): void;
  isInDoubt(id: string): boolean;
}

export function createQueue(): Queue {
  /** Texts of the keys by id. */
  const waiting = new Map<string, string>();
  const keys = new Set<string>();
  const inDoubt = new Set<string>();

  return {
    enter(settlement) {
      const key = keyText(settlement);
      waiting.set(settlement.id, key);
      keys.add(key);
    },
    leave(id) {
      keys.delete(waiting.get(id) ?? '');
      waiting.delete(id);
      inDoubt.delete(id);
    },
    has: (key) => keys.has(keyText(key)),
    ids: () => [...waiting.keys()],
    doubt(ids) {
      for (const id of ids) inDoubt.add(id);
    },
    isInDoubt: (id) => inDoubt.has(id),
  };
}
