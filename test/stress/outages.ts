import type { Db } from '@agentpay/primitives';
import { eventually, type PostgresServer } from '@agentpay/testing';

/** Takes the server away while processes write to it. */
export type Outage = (db: Db, postgres: PostgresServer) => Promise<void>;

/** Every transaction of the ledger writes to it. */
const LOCK = 'lock table ledger_journals in share row exclusive mode';

/** Sessions that wait for that lock. */
async function writing(db: Db): Promise<number[]> {
  const sessions = await db.query<{ pid: number }>(
    `select pid from pg_stat_activity where wait_event_type = 'Lock' and wait_event = 'relation'`,
  );
  return sessions.map(({ pid }) => pid);
}

/** Ends the server with transactions under way, none of which is committed. */
export const whileWriting: Outage = async (db, postgres) => {
  const holding = db.tx(async (tx) => {
    await tx.exec(LOCK);
    await eventually(async () => expect((await writing(db)).length).toBeGreaterThanOrEqual(2));
    await postgres.stop();
  });
  await expect(holding).rejects.toMatchObject({ kind: 'unavailable' });
};

/** Ends the server with transactions that it has committed and told nobody of: it waits for a standby that does not exist. */
export const afterCommits: Outage = async (db, postgres) => {
  const withoutResponse: Promise<unknown>[] = [];
  let writers: number[] = [];
  await db.tx(async (tx) => {
    await tx.exec(LOCK);
    await eventually(async () => expect((await writing(db)).length).toBeGreaterThanOrEqual(2));
    await db.exec(`alter system set synchronous_standby_names = 'nobody'`);
    await db.query('select pg_reload_conf()');
    // The server heeds it a moment later.
    await eventually(async () => {
      withoutResponse.push(db.query('update migrations set name = name').catch(() => undefined));
      expect(await unanswered(db)).not.toEqual([]);
    });
    writers = await writing(db);
  });
  await eventually(async () => {
    const waiting = await unanswered(db);
    expect(writers.filter((pid) => waiting.includes(pid))).not.toEqual([]);
  });
  await postgres.stop();
  await Promise.all(withoutResponse);
};

async function unanswered(db: Db): Promise<number[]> {
  const sessions = await db.query<{ pid: number }>(
    `select pid from pg_stat_activity where wait_event = 'SyncRep'`,
  );
  return sessions.map(({ pid }) => pid);
}

/** Starts the server again, without that standby; and the time of all claims is over that those had who were cut off. */
export async function heal(db: Db, postgres: PostgresServer): Promise<void> {
  await postgres.start();
  await db.exec('alter system reset synchronous_standby_names');
  await db.query('select pg_reload_conf()');
  await db.query(
    `update idempotency_keys set claimed_until = created_at where state = 'in_progress' and claimed_until > created_at`,
  );
  await db.query(
    `update webhook_deliveries set claimed_until = next_at where state = 'pending' and claimed_until is not null`,
  );
}
