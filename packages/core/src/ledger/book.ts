import { AgentPayError, newId } from '@agentpay/primitives';
import type { Amount, Clock, Db, Random, Tx } from '@agentpay/primitives';
import { entity } from '../batch/index.js';
import type { OpenScene, RowWriter, Scene, Writer } from '../batch/index.js';
import { table } from '../table.js';
import { isOwned } from './Account.js';
import { append } from './Chain.js';
import type { JournalChain, JournalPlace } from './Chain.js';
import { closeKey, openKey } from './Hold.js';
import type { Hold } from './Hold.js';
import { assertBalanced, balanceAfter, inLockOrder } from './Journal.js';
import type { Journal, JournalEntry, Posting } from './Journal.js';
import * as movements from './movements.js';

type Balance = Posting;
type KeptJournal = Omit<Journal, 'postings'> & JournalPlace;
interface Line extends Posting {
  readonly journal: bigint;
}
interface WriterRow extends JournalChain {
  readonly kind: string;
  readonly batches: bigint;
  readonly usedAt: Date;
}
interface Source {
  readonly clock: Clock;
  readonly random: Random;
}

export const balances = entity<Balance>({
  table: table<Balance>('ledger_balances', { account: 'text', asset: 'text', amount: 'bigint' }),
  key: ['account', 'asset'],
  guard: ['amount'],
  changes: ['amount'],
  blank: (account, asset) => ({ account, asset, amount: 0n }),
  rank: 80,
});

export const holds = entity<Hold>({
  table: table<Hold>('ledger_holds', {
    id: 'text',
    walletId: 'text',
    asset: 'text',
    amount: 'bigint',
    purpose: 'text',
    state: 'text',
    createdAt: 'timestamptz',
    closedAt: 'timestamptz',
  }),
  key: ['id'],
  guard: ['state', 'amount'],
  changes: ['state', 'closedAt'],
  rank: 40,
});

const journals = table<KeptJournal>('ledger_journals', {
  number: 'bigint',
  id: 'text',
  key: 'text',
  kind: 'text',
  createdAt: 'timestamptz',
  hash: 'text',
});
const lines = table<Line>('ledger_postings', {
  journal: 'bigint',
  account: 'text',
  asset: 'text',
  amount: 'bigint',
});

const totals: RowWriter = {
  name: 'ledger_totals_added',
  types: ['integer', 'text', 'text', 'numeric'],
  sql: (rows) =>
    `insert into ledger_totals as total (chain, account, asset, amount) ${rows}
     on conflict (chain, account, asset) do update set amount = total.amount + excluded.amount`,
};

const chains = entity<WriterRow>({
  table: table<WriterRow>('ledger_chains', {
    id: 'integer',
    kind: 'text',
    length: 'bigint',
    head: 'text',
    batches: 'bigint',
    usedAt: 'timestamptz',
  }),
  key: ['id'],
  guard: ['kind', 'batches', 'head'],
  changes: ['length', 'head', 'batches', 'usedAt'],
  rank: 90,
});

const JOURNALS = 'ledger.journals';

/**
 * Books a business event in a batch, as `post` does in a transaction. Its key must be new, as that of an event that a row which is
 * written in the same batch proves to be new.
 * @throws AgentPayError as `post`
 */
export function postIn(source: Source, scene: Scene, entry: JournalEntry): Journal {
  assertBalanced(entry.postings);
  const postings = inLockOrder(entry.postings);
  for (const line of postings) {
    const { account, asset } = line;
    if (!isOwned(account)) continue;
    const balance = scene.find(balances, account, asset);
    const amount = balanceAfter(line, balance?.amount ?? 0n);
    if (balance) scene.update(balances, balance, { amount });
    else scene.insert(balances, { account, asset, amount });
  }
  const journal: Journal = {
    id: newId('journal', source),
    key: entry.key,
    kind: entry.kind,
    createdAt: new Date(source.clock.now()),
    postings,
  };
  scene.collect(JOURNALS, journal);
  return journal;
}

/** Reserves money of a wallet in a batch: available -> held. @throws AgentPayError `insufficient_funds` */
export function openHoldIn(
  source: Source,
  scene: Scene,
  reserved: { walletId: string; asset: string; amount: Amount; purpose: string },
): Hold {
  const hold: Hold = {
    id: newId('hold', source),
    ...reserved,
    state: 'open',
    createdAt: new Date(source.clock.now()),
    closedAt: null,
  };
  postIn(source, scene, {
    key: openKey(hold.id),
    kind: `${hold.purpose}.hold`,
    postings: movements.reserve(reserved),
  });
  scene.insert(holds, hold);
  return hold;
}

/**
 * Closes a hold in a batch: `postings` move the whole of it.
 * @throws AgentPayError `internal_error` when the hold is not open
 */
export function closeHoldIn(
  source: Source,
  scene: Scene,
  closing: {
    holdId: string;
    state: 'captured' | 'released';
    reason: string;
    postings: (hold: Hold) => Posting[];
  },
): Hold {
  const hold = scene.find(holds, closing.holdId);
  if (hold?.state !== 'open')
    throw new AgentPayError('internal_error', `Hold ${closing.holdId} is not open.`);
  postIn(source, scene, {
    key: closeKey(hold.id),
    kind: `${hold.purpose}.${closing.reason}`,
    postings: closing.postings(hold),
  });
  return scene.update(holds, hold, { state: closing.state, closedAt: new Date(source.clock.now()) });
}

const TAKE_SHARED = `select id from ledger_chains where kind = 'shared' order by id limit 1 for update skip locked`;
const MAKE = `insert into ledger_chains (kind, used_at) values ($1, $2) returning id`;
/** A chain of batches that was not written to for so long has no writer any more. */
const LEFT_MS = 86_400_000;

/** The chain to which a process writes its batches. */
export function batchWriter({ clock, pepper }: Pick<Source, 'clock'> & { readonly pepper: string }): Writer {
  const now = () => new Date(clock.now());
  let own: { readonly key: string; usedMs: number } | undefined;
  /** The chain that was given up last, and the number of its last batch then. */
  let left: { readonly key: string; readonly batches: Promise<bigint> } | undefined;
  return {
    entity: chains,
    async current(db: Db) {
      // Long before anybody else may take it for left.
      const usedMs = clock.now();
      if (!own || usedMs - own.usedMs > LEFT_MS / 2) own = { key: await adopt(db, new Date(usedMs)), usedMs };
      own.usedMs = usedMs;
      return own.key;
    },
    async borrow(tx: Tx) {
      const [free] = await tx.query<{ id: number }>(TAKE_SHARED);
      const [row] = free ? [free] : await tx.query<{ id: number }>(MAKE, ['shared', now()]);
      return String(row?.id);
    },
    finish: (scene, key) => finish(scene, key, { at: now(), pepper }),
    async wasWritten(db, scene, key) {
      const row = scene.slots.get(chains)?.get(key)?.now as WriterRow | undefined;
      // Where nobody took the chain nothing was written.
      if (!row) return false;
      own = undefined;
      if (left?.key !== key) left = { key, batches: db.tx((tx) => giveUp(tx, key)) };
      return row.batches <= (await left.batches);
    },
  };
}

async function giveUp(tx: Tx, key: string): Promise<bigint> {
  const [row] = await tx.query<{ batches: bigint }>(
    `update ledger_chains set kind = 'shared' where id = $1::integer returning batches`,
    [Number(key)],
  );
  return row?.batches ?? 0n;
}

async function adopt(db: Db, at: Date): Promise<string> {
  const [left] = await db.query<{ id: number }>(
    `update ledger_chains set used_at = $1 where id = (
       select id from ledger_chains where kind = 'batch' and used_at < $2 order by id limit 1 for update skip locked
     ) returning id`,
    [at, new Date(at.getTime() - LEFT_MS)],
  );
  const [row] = left ? [left] : await db.query<{ id: number }>(MAKE, ['batch', at]);
  return String(row?.id);
}

/** Puts the journals of a batch into their chain, and adds up what they move on accounts of the platform. */
function finish(scene: OpenScene, key: string, { at, pepper }: { at: Date; pepper: string }): void {
  const row = scene.find(chains, key);
  if (!row) throw new AgentPayError('internal_error', `There is no chain ${key}.`);
  let chain: JournalChain = { id: Number(key), length: row.length, head: row.head };
  const sums = new Map<string, Posting>();
  for (const journal of scene.collected(JOURNALS) as Journal[]) {
    const next = append(chain, journal, pepper);
    const { number, hash } = next.place;
    const { id, key: event, kind, createdAt } = journal;
    chain = next.chain;
    scene.append(journals, { number, id, key: event, kind, createdAt, hash });
    for (const { account, asset, amount } of journal.postings) {
      scene.append(lines, { journal: number, account, asset, amount });
      if (isOwned(account)) continue;
      const name = `${account} ${asset}`;
      sums.set(name, { account, asset, amount: (sums.get(name)?.amount ?? 0n) + amount });
    }
  }
  for (const { account, asset, amount } of sums.values())
    scene.add(totals, [chain.id, account, asset, amount]);
  const { length, head } = chain;
  scene.update(chains, row, { length, head, batches: row.batches + 1n, usedAt: at });
}
