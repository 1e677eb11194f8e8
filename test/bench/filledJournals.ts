import type pg from 'pg';

const BLOCK = 64;

/** Makes the functions by which {@link journalsOf} chains journals: as `Chain.ts` of the ledger does, under the same key. */
export async function createChaining(pool: pg.Pool, pepper: string): Promise<void> {
  const key = Buffer.alloc(BLOCK);
  key.write(pepper);
  if (Buffer.byteLength(pepper) > BLOCK) throw new Error('Longer keys would have to be hashed first.');
  const padded = (byte: number) =>
    `'\\x${Buffer.from(key.map((each) => each ^ byte)).toString('hex')}'::bytea`;
  await pool.query(`
    create function filled_next(before text, head text, body text) returns text language plpgsql immutable as $$
    begin
      return encode(sha256(${padded(0x5c)} || sha256(${padded(0x36)} ||
        convert_to(concat_ws(E'\\n', 'ledger', coalesce(before, head), body), 'UTF8'))), 'base64');
    end $$;
    create aggregate filled_hash (head text, body text) (sfunc = filled_next, stype = text)`);
}

/**
 * SQL of journals and of their lines, behind the last one of their chain: $1 the chain, $2 the first, $3 the end of the numbers that `i`
 * goes through.
 * @param options.numbers a query of `i`, of `number` in the books and of what the lines name
 * @param options.lines rows of account and amount
 */
export function journalsOf({
  numbers,
  key,
  kind,
  lines,
}: {
  numbers: string;
  key: string;
  kind: string;
  lines: string;
}): string[] {
  const values = `(values ${lines}) as line (account, amount)`;
  return [
    `insert into ledger_journals (number, id, key, kind, created_at, hash)
     select number, id, key, '${kind}', at, filled_hash(head, concat_ws(E'\\n', number, id, key, '${kind}',
         (extract(epoch from at) * 1000)::bigint, written)) over (order by number)
     from (select number, 'jr_filled_' || i as id, ${key} as key, written from (${numbers}) as made, lateral (
         select string_agg(account || ' USD ' || amount, E'\\n' order by account collate "C") as written from ${values}
       ) as text) as journal, date_trunc('milliseconds', now()) as at, (select head from ledger_chains where id = $1) as chain`,
    `insert into ledger_postings (journal, account, asset, amount)
     select number, account, 'USD', amount from (${numbers}) as made, lateral ${values}`,
  ];
}
