import type pg from 'pg';
import type { PgSession } from './PgSession.js';

/** A connection in somebody's hands. */
export interface Held {
  readonly client: pg.PoolClient;
  readonly session: PgSession;
}

interface Shared {
  readonly held: Promise<Held>;
  users: number;
  /** Ends with what was given last. */
  last: Promise<unknown>;
}

/**
 * One connection for all who are at it at once: whoever comes first takes it, the last one gives it back. What they send goes out in the
 * order in which they came, before the responses to what was sent before; behind a pooler, where each statement is a transaction of
 * several messages, one waits for the other.
 */
export function sharing({ take, give }: { take: () => Promise<Held>; give: (held: Held) => void }) {
  let open: Shared | undefined;

  async function join(): Promise<{ shared: Shared; held: Held }> {
    const shared = (open ??= { held: take(), users: 0, last: Promise.resolve() });
    shared.users += 1;
    try {
      return { shared, held: await shared.held };
    } catch (error) {
      if (open === shared) open = undefined;
      throw error;
    }
  }

  function leave(shared: Shared, held: Held): void {
    shared.users -= 1;
    if (shared.users > 0 && held.session.state === 'good') return;
    if (open === shared) open = undefined;
    if (shared.users === 0) give(held);
  }

  return async <T>(work: (session: PgSession) => Promise<T>): Promise<T> => {
    const { shared, held } = await join();
    const { session } = held;
    const done = session.pooled ? shared.last.then(() => work(session)) : work(session);
    shared.last = done.catch(() => undefined);
    try {
      return await done;
    } finally {
      leave(shared, held);
    }
  };
}
