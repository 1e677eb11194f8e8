import type { Queryable } from '@agentpay/primitives';
import type { LedgerCore } from './LedgerCore.js';
import { hashOf, numberOf } from './Chain.js';
import type { JournalChain } from './Chain.js';
import type { Posting } from './Journal.js';

/** The first place at which a chain of journals is not what was written. */
export interface BrokenChain {
  readonly chain: number;
  /** From 1. */
  readonly position: bigint;
  /** Of the journal that stands there; null when there is none. */
  readonly journalId: string | null;
  readonly key: string | null;
  /**
   * - `journal_changed`: it, its lines or its place differ from what was written, or it was put in afterwards
   * - `journal_missing`: it was taken out
   * - `journal_added`: it stands behind the end of the chain
   * - `head_changed`: the chain's own row was changed, or its last journals were taken out
   */
  readonly fault: 'journal_changed' | 'journal_missing' | 'journal_added' | 'head_changed';
}

const PAGE = 1_000;
const TIMEOUT = '10min';

interface Row {
  readonly number: bigint;
  readonly id: string;
  readonly key: string;
  readonly kind: string;
  readonly createdAt: Date;
  readonly hash: string;
  readonly lines: readonly (readonly [account: string, asset: string, amount: string])[] | null;
}

/**
 * Walks every chain from its first journal and names, for each chain that was tampered with, the first place at which it differs;
 * the one that was written first comes first. An empty list: the books hold what was written, in the order of writing.
 */
export async function verifyChains(core: LedgerCore): Promise<BrokenChain[]> {
  return core.db.tx(async (tx) => {
    // One moment for all that is read: journals are written meanwhile.
    await tx.exec(
      `set transaction isolation level repeatable read, read only; set local statement_timeout = '${TIMEOUT}';
       set local enable_seqscan = on`,
    );
    const broken: { fault: BrokenChain; at: number }[] = [];
    for (const chain of await tx.query<JournalChain>(
      'select id, length, head from ledger_chains order by id',
    )) {
      const found = await verifyChain(tx, chain, core.settings.identity.pepper);
      if (found) broken.push(found);
    }
    return broken.sort((a, b) => a.at - b.at).map(({ fault }) => fault);
  });
}

async function verifyChain(
  db: Queryable,
  chain: JournalChain,
  key: string,
): Promise<{ fault: BrokenChain; at: number } | undefined> {
  let position = 0n;
  let before = '';
  let at = 0;
  const broken = (fault: BrokenChain['fault'], place: bigint, row?: Row) => ({
    fault: { chain: chain.id, position: place, journalId: row?.id ?? null, key: row?.key ?? null, fault },
    at: row?.createdAt.getTime() ?? at,
  });
  for (;;) {
    const rows = await readPage(db, chain.id, position);
    for (const row of rows) {
      position += 1n;
      if (position > chain.length) return broken('journal_added', position, row);
      if (row.number !== numberOf(chain.id, position)) return broken('journal_missing', position);
      const { number, hash } = row;
      const journal = { ...row, postings: postingsOf(row) };
      if (hashOf(journal, { number, before }, key) !== hash) return broken('journal_changed', position, row);
      before = hash;
      at = row.createdAt.getTime();
    }
    if (rows.length < PAGE) break;
  }
  if (position < chain.length) return broken('journal_missing', position + 1n);
  return before === chain.head ? undefined : broken('head_changed', position);
}

function readPage(db: Queryable, chainId: number, after: bigint): Promise<Row[]> {
  return db.query<Row>(
    `select number, id, key, kind, created_at as "createdAt", hash,
       (select json_agg(json_build_array(account, asset, amount::text)) from ledger_postings where journal = number) as lines
     from ledger_journals where number > $1 and number < $2 order by number limit ${PAGE}`,
    [numberOf(chainId, after), numberOf(chainId + 1, 0n)],
  );
}

function postingsOf({ lines }: Row): Posting[] {
  return (lines ?? []).map(([account, asset, amount]) => ({ account, asset, amount: BigInt(amount) }));
}
