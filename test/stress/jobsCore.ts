import { gateways, jobs, payments, payouts, type Core, type JobReport } from '@agentpay/core';
import { OutboundError, type Db, type Tx } from '@agentpay/primitives';
import { testCore } from '../flows/market.js';
import { paperBank, paperRails, REFUSED } from './paperRails.js';

/** Where a process stands still for ever: at the nth change of the database, or right after it, before anybody hears of it. */
export interface Stop {
  readonly number: number;
  readonly where: 'before' | 'after';
}

/** The database as a process sees it that stands still. Only what writes is counted; `changes` tells how much that was. */
export function standing(db: Db, stop: Stop | undefined, onStop: () => void): Db & { changes(): number } {
  let changes = 0;
  const forever = (): Promise<never> => {
    onStop();
    return new Promise<never>(() => undefined);
  };
  const due = (number: number, where: Stop['where']) => stop?.number === number && stop.where === where;
  return {
    ...db,
    changes: () => changes,
    async query(sql, params, options) {
      if (!writes(sql)) return db.query(sql, params, options);
      const number = ++changes;
      if (due(number, 'before')) return forever();
      const rows = await db.query<never>(sql, params, options);
      return due(number, 'after') ? forever() : rows;
    },
    async tx(fn, options) {
      let number = 0;
      const result = await db.tx(async (tx) => {
        const watched = watchedTx(tx);
        const done = await fn(watched);
        if (watched.wrote()) number = ++changes;
        return due(number, 'before') ? forever() : done;
      }, options);
      return due(number, 'after') ? forever() : result;
    },
  };
}

/** To lock rows is no change, and the chain that a process writes to is its own. */
const writes = (sql: string) =>
  /\b(?:insert into|update|delete from)\s+(?!ledger_chains)\w/i.test(
    sql.replace(/\bfor (?:no key )?update\b/gi, ''),
  );

function watchedTx(tx: Tx): Tx & { wrote(): boolean } {
  let wrote = false;
  return {
    ...tx,
    wrote: () => wrote,
    query(sql, params) {
      wrote ||= writes(sql);
      return tx.query(sql, params);
    },
  };
}

/** Longer than any payment waits to be sent here, in spite of everything, and shorter than one waits that nobody has sent. */
const PAYMENT_TTL_MS = 12 * 3_600_000;

/** How an agent responds: it has done it, or the process is told to end before it has. */
export type Agent = 'done' | 'interrupted';

/** A core whose outside is on paper, in the books of `outside`: what is asked for there has happened, once for each id. */
export async function jobsCore(
  db: Db,
  {
    nowMs,
    agent = 'done',
    cards = true,
    outside = db,
  }: { nowMs: number; agent?: Agent; cards?: boolean; outside?: Db },
): Promise<Core> {
  const body = Buffer.from('{"summary":"Sales grew."}');
  const endpoints = {
    assertAllowed: () => undefined,
    async fetchOut(url: string) {
      if (agent === 'interrupted') throw new OutboundError('aborted', 'The process ends.', false);
      return { status: 200, headers: { 'content-type': 'application/json' }, body, url };
    },
  };
  const { core, clock } = await testCore(db, {
    endpoints,
    payouts: { bank: paperBank(outside) },
    rails: paperRails(outside),
    settings: { payments: { ttlMs: PAYMENT_TTL_MS } },
  });
  clock.advance(nowMs - clock.now());
  const collector: gateways.CardCollector = {
    accepts: () => undefined,
    async collect({ id, amount }) {
      return amount === REFUSED
        ? { status: 'refused', reason: 'card_declined' }
        : { status: 'open', reference: `pi_${id}`, clientSecret: null };
    },
  };
  Object.assign(core.ports, {
    ...(cards && { cards: collector }),
    settleChain: async (payment: unknown) => payment as gateways.ChainOutcome,
  });
  return core;
}

const declared = (name: string) => (core: Core) =>
  (jobs.find((job) => job.name === name) as (typeof jobs)[number]).run(core);

/** Calls that were queued, and whose process has died, are carried out. */
async function takeUpCalls(core: Core): Promise<JobReport> {
  const queued = await gateways.pickUp(core, { limit: 10 });
  for (const callId of queued) await gateways.run(core, { callId });
  return { done: { calls: queued.length }, failures: [] };
}

/** A run, of so many at once of what it would take many of. */
type Run = (core: Core, limit?: number) => Promise<JobReport>;
/** Where several runs have the same name, a number stands behind it. */
type Work = readonly [name: string, run: Run];

/** So many runs of what takes any number of rows, each of one row: all die at the same step of theirs. */
function oneByOne(
  name: string,
  work: (core: Core, options: { limit: number }) => Promise<JobReport>,
  runs: number,
): Work[] {
  return Array.from({ length: runs }, (_, i) => [
    `${name} ${i + 1}`,
    (core, limit = 1) => work(core, { limit }),
  ]);
}

/**
 * All that changes states without being asked, in the order in which it runs: payouts that the months make are worked by a later run, and
 * the marks see what the others have spent.
 */
export const works: readonly Work[] = [
  ...oneByOne('payouts.work', payouts.work, 5),
  ...oneByOne('payments.progress', payments.progress, 4),
  ...oneByOne('payments.refunds', payments.progressRefunds, 4),
  ['gateways.calls', takeUpCalls],
  ...[
    'approvals.expire',
    'billing.alerts',
    'billing.expire',
    'billing.overdue',
    'billing.renew',
    'developers.payout',
    'gateways.chain',
    'gateways.fundings',
    'gateways.left',
    'payments.claims',
    'marketplace.trust',
    'billing.marks',
  ].map((name) => [name, declared(name)] as const),
];
