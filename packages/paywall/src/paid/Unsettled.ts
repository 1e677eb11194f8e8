import type { Clock, Store } from '@agentpay/primitives';
import { z } from 'zod';
import type { Report } from '../seller/Report.js';

/** A payment whose response went out before its money was taken. */
export interface Debt {
  readonly payer: string;
  readonly key: string;
  /** When the proof expires, in ms since the epoch: an unpaid debt counts until then. */
  readonly expiresAtMs: number;
}

/** Debts of each payer, in a shared {@link Store}; their number is limited. */
export interface Unsettled {
  /** Notes a debt; false when the payer has as many as may be, or when that cannot be told. Never rejects. */
  enter(debt: Debt): Promise<boolean>;
  /** The debt is paid. Never rejects. */
  leave(debt: Debt): Promise<void>;
}

type Entries = readonly (readonly [key: string, until: number])[];

const entriesSchema = z.array(z.tuple([z.string(), z.number()]));
/** How often a change is tried anew when others write at the same time. */
const ATTEMPTS = 5;

export function unsettledIn({
  store,
  clock,
  report,
  max,
}: {
  store: Store;
  clock: Clock;
  report: Report;
  max: number;
}): Unsettled {
  async function change(payer: string, to: (entries: Entries) => Entries | undefined): Promise<boolean> {
    const key = `unsettled:${payer}`.toLowerCase();
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const entry = await store.get(key);
      const entries: Entries = entry ? entriesSchema.parse(JSON.parse(entry.value)) : [];
      const now = clock.now();
      const changed = to(entries.filter(([, until]) => until > now));
      if (!changed) return false;
      const ttlMs = Math.max(1, ...changed.map(([, until]) => until - now));
      if (
        (await store.put(key, JSON.stringify(changed), { expected: entry?.version ?? 0, ttlMs })) !==
        undefined
      )
        return true;
    }
    return false;
  }

  async function quietly(payer: string, to: Parameters<typeof change>[1]): Promise<boolean> {
    try {
      return await change(payer, to);
    } catch (error) {
      report({ what: 'the debts of a payer cannot be kept', error });
      return false;
    }
  }

  return {
    enter: ({ payer, key, expiresAtMs }) => {
      return quietly(payer, (entries) =>
        entries.length < max ? [...entries, [key, expiresAtMs]] : undefined,
      );
    },
    async leave({ payer, key }) {
      await quietly(payer, (entries) => entries.filter(([debt]) => debt !== key));
    },
  };
}
