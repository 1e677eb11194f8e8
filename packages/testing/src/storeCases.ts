import type { Store } from '@agentpay/primitives';
import fc from 'fast-check';

/** A store under test. */
export interface StoreSubject {
  readonly store: Store;
  /** Lets `ms` milliseconds pass for the store. */
  elapse(ms: number): Promise<void>;
  close(): Promise<void>;
}

const LONG = 600_000;

/** What every {@link Store} does. */
export function storeCases(name: string, make: () => Promise<StoreSubject>): void {
  describe(`Store: ${name}`, () => {
    let subject: StoreSubject;
    let store: Store;
    beforeEach(async () => {
      subject = await make();
      store = subject.store;
    });
    afterEach(() => subject.close());

    it('gives what was put, with versions that count the writes from 1', async () => {
      expect(await store.get('k')).toBeUndefined();
      expect(await store.put('k', 'a', { expected: 0, ttlMs: LONG })).toBe(1);
      expect(await store.put('k', 'b', { expected: 1, ttlMs: LONG })).toBe(2);
      expect(await store.get('k')).toEqual({ value: 'b', version: 2 });
    });

    it.each([0, 1, 3])(
      'writes and deletes nothing when the version is 2 and %i was expected',
      async (expected) => {
        await store.put('k', 'a', { expected: 0, ttlMs: LONG });
        await store.put('k', 'b', { expected: 1, ttlMs: LONG });
        expect(await store.put('k', 'c', { expected, ttlMs: LONG })).toBeUndefined();
        expect(await store.delete('k', { expected })).toBe(false);
        expect(await store.get('k')).toEqual({ value: 'b', version: 2 });
      },
    );

    it('creates nothing when a version is expected and there is no entry', async () => {
      expect(await store.put('k', 'a', { expected: 1, ttlMs: LONG })).toBeUndefined();
      expect(await store.delete('k', { expected: 1 })).toBe(false);
      expect(await store.delete('k', { expected: 0 })).toBe(false);
      expect(await store.get('k')).toBeUndefined();
    });

    it('begins anew after a delete', async () => {
      await store.put('k', 'a', { expected: 0, ttlMs: LONG });
      expect(await store.delete('k', { expected: 1 })).toBe(true);
      expect(await store.get('k')).toBeUndefined();
      expect(await store.put('k', 'b', { expected: 0, ttlMs: LONG })).toBe(1);
    });

    it('forgets an entry when its time is over, and not before', async () => {
      await store.put('k', 'a', { expected: 0, ttlMs: LONG });
      await store.put('short', 'a', { expected: 0, ttlMs: 30 });
      await subject.elapse(60);
      expect(await store.get('short')).toBeUndefined();
      expect(await store.put('short', 'b', { expected: 0, ttlMs: LONG })).toBe(1);
      expect(await store.get('k')).toEqual({ value: 'a', version: 1 });
    });

    it('counts the time of an entry from its last write', async () => {
      // Both at once: the time of the first must not be over before the second comes.
      const first = store.put('longer', 'a', { expected: 0, ttlMs: 1000 });
      expect(await Promise.all([first, store.put('longer', 'b', { expected: 1, ttlMs: LONG })])).toEqual([
        1, 2,
      ]);
      await store.put('shorter', 'a', { expected: 0, ttlMs: LONG });
      await store.put('shorter', 'b', { expected: 1, ttlMs: 1000 });
      await subject.elapse(1100);
      expect(await store.get('longer')).toEqual({ value: 'b', version: 2 });
      expect(await store.get('shorter')).toBeUndefined();
    });

    it('lets one of 50 concurrent writers win', async () => {
      const writers = Array.from({ length: 50 }, (_, i) =>
        store.put('k', `${i}`, { expected: 0, ttlMs: LONG }),
      );
      const versions = await Promise.all(writers);
      expect(versions.filter((version) => version !== undefined)).toEqual([1]);
      expect(await store.get('k')).toEqual({ value: `${versions.indexOf(1)}`, version: 1 });
    });

    it('keeps any text under any key', async () => {
      const text = fc.string({ unit: 'grapheme', maxLength: 50 });
      await fc.assert(
        fc.asyncProperty(text, text, async (key, value) => {
          const before = (await store.get(key))?.version ?? 0;
          expect(await store.put(key, value, { expected: before, ttlMs: LONG })).toBe(before + 1);
          expect(await store.get(key)).toEqual({ value, version: before + 1 });
        }),
        { numRuns: 50 },
      );
    });
  });
}
