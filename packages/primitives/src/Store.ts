import type { Clock } from './Clock.js';

/** A stored value with the version that a compare-and-set names. */
export interface Entry {
  readonly value: string;
  /** Grows by one with each write of the key, from 1. */
  readonly version: number;
}

/**
 * Small shared memory with compare-and-set, for replay claims.
 * Implementations: Redis (`@agentpay/tracker`), {@link memoryStore}. Every method rejects when the store is out of reach:
 * callers fail closed.
 */
export interface Store {
  /** The live entry, or undefined. */
  get(key: string): Promise<Entry | undefined>;
  /**
   * Writes `value` if the live entry has the version `expected` (0: there is none) and gives the new version,
   * or undefined when somebody else wrote first. The entry lives `ttlMs` milliseconds from this write.
   */
  put(key: string, value: string, options: { expected: number; ttlMs: number }): Promise<number | undefined>;
  /** Removes the entry if it has the version `expected`; tells whether it did. */
  delete(key: string, options: { expected: number }): Promise<boolean>;
}

/** Thrown by a bounded store that can take no more entries. */
export class StoreFullError extends Error {
  override readonly name = 'StoreFullError';
}

/**
 * The store of a single process. Entries are lost when the process ends.
 * @param maxBytes upper bound of the values held, in UTF-16 code units; a write above it rejects with {@link StoreFullError}.
 */
export function memoryStore(clock: Clock, { maxBytes = 256 * 1024 * 1024 } = {}): Store {
  interface Slot extends Entry {
    readonly expires: number;
  }
  const slots = new Map<string, Slot>();
  let bytes = 0;
  let nextSweep = 0;

  function live(key: string): Slot | undefined {
    const slot = slots.get(key);
    if (!slot || slot.expires > clock.now()) return slot;
    remove(key, slot);
    return undefined;
  }
  function remove(key: string, slot: Slot): void {
    slots.delete(key);
    bytes -= key.length + slot.value.length;
  }
  // Expired entries that nobody asks for again are dropped at most once a second.
  function sweep(): void {
    const now = clock.now();
    if (now < nextSweep) return;
    nextSweep = now + 1000;
    for (const [key, slot] of slots) if (slot.expires <= now) remove(key, slot);
  }

  return {
    async get(key) {
      const slot = live(key);
      return slot && { value: slot.value, version: slot.version };
    },
    async put(key, value, { expected, ttlMs }) {
      sweep();
      const slot = live(key);
      if ((slot?.version ?? 0) !== expected) return undefined;
      const size = key.length + value.length;
      const before = slot ? key.length + slot.value.length : 0;
      if (bytes - before + size > maxBytes)
        throw new StoreFullError(`The store holds its limit of ${maxBytes} bytes.`);
      bytes += size - before;
      slots.set(key, { value, version: expected + 1, expires: clock.now() + ttlMs });
      return expected + 1;
    },
    async delete(key, { expected }) {
      const slot = live(key);
      if (!slot || slot.version !== expected) return false;
      remove(key, slot);
      return true;
    },
  };
}
