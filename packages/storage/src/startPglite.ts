import { Worker } from 'node:worker_threads';
import type { SqlValue } from '@agentpay/primitives';
import type { PgliteReply, ThreadData, Work } from './PgliteMessages.js';

/** The one connection to a PGlite that works in a thread of its own. Statements run in the order in which they are given. */
export interface PgliteConnection {
  query<Row>(sql: string, params: readonly SqlValue[]): Promise<Row[]>;
  exec(sql: string): Promise<void>;
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (rows: readonly unknown[]) => void;
  readonly reject: (error: unknown) => void;
}

/** @param dir folder of the cluster, made when absent; undefined: in memory */
export async function startPglite(dir: string | undefined): Promise<PgliteConnection> {
  const workerData: ThreadData = { dir };
  // Options of the process (`--input-type`, `--cpu-prof`) are not meant for it.
  const thread = new Worker(new URL('./pgliteThread.js', import.meta.url), { workerData, execArgv: [] });
  const waiting = new Map<number, Waiting>();
  let orders = 0;
  let ended: Error | undefined;

  const opened = new Promise<void>((resolve, reject) => {
    const end = (error: Error) => {
      ended ??= error;
      reject(error);
      for (const { reject: refuse } of waiting.values()) refuse(error);
      waiting.clear();
    };
    thread.on('error', end);
    thread.on('exit', () => end(new Error('The embedded database has ended.')));
    thread.on('message', (message: 'open' | PgliteReply) => {
      if (message === 'open') return resolve();
      take(message);
    });
  });

  function take(answer: PgliteReply): void {
    const { resolve, reject } = waiting.get(answer.id) as Waiting;
    waiting.delete(answer.id);
    // A thread without work does not keep the process alive, as a connection would not.
    if (waiting.size === 0) thread.unref();
    if ('rows' in answer) resolve(answer.rows);
    else reject(Object.assign(new Error(answer.error.message), answer.error));
  }

  function send(work: Work): Promise<readonly unknown[]> {
    if (ended) return Promise.reject(ended);
    return new Promise((resolve, reject) => {
      const id = orders++;
      if (waiting.size === 0) thread.ref();
      waiting.set(id, { resolve, reject });
      thread.postMessage({ id, ...work });
    });
  }

  await opened;
  thread.unref();
  return {
    query: async <Row>(sql: string, params: readonly SqlValue[]) =>
      (await send({ kind: 'query', sql, params })) as Row[],
    exec: async (sql) => void (await send({ kind: 'exec', sql })),
    async close() {
      await send({ kind: 'close' });
      await thread.terminate();
    },
  };
}
