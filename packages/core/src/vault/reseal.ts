import { isAgentPayError } from '@agentpay/primitives';
import type { Db, Queryable } from '@agentpay/primitives';
import type { Vault } from './Vault.js';

/** A column that keeps sealed texts. Declared in the `migrations.ts` of a slice, beside the table. */
export interface SealedColumn {
  readonly table: string;
  readonly column: string;
  /** Column that names a row. */
  readonly key: string;
  /** For what the text of a row is sealed. */
  place(key: string): string;
}

/** What sealing anew came to. */
export interface Resealed {
  readonly resealed: number;
  /** Sealed by a key that is not among those of the vault, or changed: nobody can read them. */
  readonly unreadable: number;
  /** Whether some are left: somebody goes on sealing by a former key, or held their rows all the time. */
  readonly left: boolean;
}

/** Rows that are read at once: a request that waits may have a body of a quarter of a megabyte. */
const PAGE = 64;
/** Rows that are written at the same time. */
const AT_ONCE = 8;
/** Looks at everything, the last of which finds nothing to do. */
const MAX_LOOKS = 10;

/**
 * Seals by the current key what former keys sealed. Whoever works with the rows meanwhile goes on: a text that was replaced in between is
 * left to the next look, and the same again after a crash goes on with what is left.
 */
export async function reseal(
  { db, vault }: { db: Db; vault: Vault },
  columns: readonly SealedColumn[],
): Promise<Resealed> {
  let resealed = 0;
  for (let looks = 1; ; looks++) {
    const seen: Look = { resealed: 0, unreadable: 0, missed: 0 };
    for (const column of columns) await lookAt({ db, vault }, column, seen);
    resealed += seen.resealed;
    const left = seen.resealed + seen.missed > 0;
    if (!left || looks === MAX_LOOKS) return { resealed, unreadable: seen.unreadable, left };
  }
}

interface Look {
  resealed: number;
  unreadable: number;
  /** Changed by somebody else meanwhile, or held. */
  missed: number;
}

interface Row {
  readonly key: string;
  readonly sealed: string;
}

async function lookAt(
  { db, vault }: { db: Db; vault: Vault },
  column: SealedColumn,
  seen: Look,
): Promise<void> {
  const { table, key, column: name } = column;
  for (let after = ''; ;) {
    const rows = await db.query<Row>(
      `select ${key} as key, ${name} as sealed from ${table}
       where ${key} > $1 and ${name} is not null and not starts_with(${name}, $2) order by ${key} limit ${PAGE}`,
      [after, vault.mark],
    );
    const waiting = [...rows];
    const worker = async () => {
      for (let row = waiting.shift(); row; row = waiting.shift())
        seen[await sealAnew(db, vault, column, row)]++;
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    if (rows.length < PAGE) return;
    after = (rows.at(-1) as Row).key;
  }
}

async function sealAnew(
  db: Queryable,
  vault: Vault,
  { table, column, key: by, place }: SealedColumn,
  { key, sealed }: Row,
): Promise<keyof Look> {
  let text: string;
  try {
    text = vault.open(sealed, place(key));
  } catch {
    return 'unreadable';
  }
  try {
    const written = await db.query(
      `update ${table} set ${column} = $3 where ${by} = $1 and ${column} = $2 returning 1`,
      [key, sealed, vault.seal(text, place(key))],
    );
    return written.length === 1 ? 'resealed' : 'missed';
  } catch (error) {
    if (isAgentPayError(error, 'unavailable') && error.reason === 'busy') return 'missed';
    throw error;
  }
}
