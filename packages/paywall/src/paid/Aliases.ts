import type { Store } from '@agentpay/primitives';

/** Names that buyers give their payments, over a shared {@link Store}. A name belongs to one payment for a day. */
export interface Aliases {
  /** Gives the name to the payment; false when it belongs to another one. */
  bind(alias: string, payment: string): Promise<boolean>;
  /** Takes the name from the payment, for which nothing was charged. */
  free(alias: string, payment: string): Promise<void>;
}

const LIFE_MS = 24 * 3_600_000;
/** Value of a name that was given up. It is not deleted at once: the store would count its versions anew, and a late writer could win. */
const NOBODY = '';
const GIVEN_UP_MS = 60_000;

export function aliasesIn(store: Store): Aliases {
  return {
    async bind(alias, payment) {
      const entry = await store.get(alias);
      if (entry?.value === payment) return true;
      if (entry && entry.value !== NOBODY) return false;
      const version = await store.put(alias, payment, { expected: entry?.version ?? 0, ttlMs: LIFE_MS });
      return version !== undefined || (await store.get(alias))?.value === payment;
    },
    async free(alias, payment) {
      const entry = await store.get(alias);
      if (entry?.value === payment)
        await store.put(alias, NOBODY, { expected: entry.version, ttlMs: GIVEN_UP_MS });
    },
  };
}
