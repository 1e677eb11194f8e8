import type { Clock } from '@agentpay/primitives';

/** A small cache of what was loaded. */
export interface Expiring<Value> {
  /** What is kept, or the one that `load` gives. Callers that ask at the same time share one load; a failed one is not kept. */
  get(key: string, load: () => Promise<Value>): Promise<Value>;
  /** Forgets everything, loads under way included. */
  clear(): void;
}

/** Keeps what was loaded for `ttlMs` from the start of its load, and at most `limit` of them: the oldest goes first. */
export function expiring<Value>(
  clock: Clock,
  { ttlMs, limit }: { ttlMs: number; limit: number },
): Expiring<Value> {
  const entries = new Map<string, { value: Promise<Value>; expires: number }>();

  return {
    get(key, load) {
      const kept = entries.get(key);
      if (kept && kept.expires > clock.now()) return kept.value;
      const entry = { value: load(), expires: clock.now() + ttlMs };
      entries.delete(key);
      entries.set(key, entry);
      if (entries.size > limit) entries.delete(entries.keys().next().value as string);
      entry.value.catch(() => {
        if (entries.get(key) === entry) entries.delete(key);
      });
      return entry.value;
    },
    clear: () => entries.clear(),
  };
}
