import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';

/** Where something is caught: on its way to PostgreSQL, or when PostgreSQL has done it and answers. */
export type Catch = 'before' | 'after';

/** A way to PostgreSQL on which a commit, or a statement outside of transactions, can be caught. */
export interface CommitGate {
  readonly url: string;
  /** Resolves when the next commit is caught. Its connection stays silent from then on; later ones are not touched. */
  catchNext(where: Catch): Promise<void>;
  /** The same for the next commit of a batch: not one of the background work, which reads the outbox twice a second. */
  catchBatch(where: Catch): Promise<void>;
  /** The same for the statement outside of transactions that comes after `passing` others. */
  catchStatement(where: Catch, passing: number): Promise<void>;
  /** Catches nothing any more. */
  disarm(): void;
  /** Breaks every connection that is open. */
  cut(): void;
  close(): Promise<void>;
}

// The simple query of PostgreSQL's protocol: 'Q', length, text, zero.
const COMMIT = 'Q\0\0\0\x0bcommit\0';

interface Commit {
  /** Whether a batch is written by it. */
  readonly ofBatch: boolean;
}

/**
 * Finds commits in what one connection sends: the word itself, or the statement of a batch, which is a whole transaction unless it stands
 * within one. `idle`: the session is in no transaction.
 */
function commits(): (chunk: Buffer, idle: boolean) => Commit | undefined {
  const batches = new Set<string>();
  let batchWithin = false;
  return (chunk, idle) => {
    const text = chunk.toString('latin1');
    if (idle) batchWithin = false;
    if (text.includes(COMMIT)) return { ofBatch: batchWithin };
    // Parse: name, text. Bind: portal, name.
    for (const [, name = ''] of text.matchAll(/(agentpay_\d+)\0with [^\0]*batch_expect\(/g))
      batches.add(name);
    const batch = [...batches].some((name) => text.includes(`\0${name}\0`));
    if (batch && idle) return { ofBatch: true };
    batchWithin ||= batch;
    return undefined;
  };
}
const BEGIN = Buffer.from('begin', 'latin1');
/** ReadyForQuery of a session that is in no transaction. */
const IDLE = Buffer.from('Z\0\0\0\x05I', 'latin1');

interface Armed {
  readonly what: 'commit' | 'batch' | 'statement';
  readonly where: Catch;
  passing: number;
  readonly caught: () => void;
}

export async function commitGate(databaseUrl: string): Promise<CommitGate> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let armed: Armed | undefined;

  function takeIfDue(chunk: Buffer, idle: boolean, commit: Commit | undefined): Armed | undefined {
    if (!armed) return undefined;
    const meant = {
      commit: commit !== undefined,
      batch: commit?.ofBatch === true,
      statement: idle && !chunk.includes(BEGIN),
    };
    if (!meant[armed.what] || armed.passing-- > 0) return undefined;
    const due = armed;
    armed = undefined;
    return due;
  }

  const server = createServer((client) => {
    const upstream = connect(Number(target.port || 5432), target.hostname);
    const commitIn = commits();
    let [silent, idle] = [false, false];
    let onAnswer: (() => void) | undefined;
    client.on('data', (chunk) => {
      if (silent) return;
      const due = takeIfDue(chunk, idle, commitIn(chunk, idle));
      idle = false;
      if (due) {
        silent = true;
        if (due.where === 'before') return due.caught();
        onAnswer = due.caught;
      }
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (silent) return onAnswer?.();
      idle = chunk.subarray(-IDLE.length).equals(IDLE);
      client.write(chunk);
    });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined); // "close" follows
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const arm = (what: Armed['what'], where: Catch, passing: number) =>
    new Promise<void>((caught) => (armed = { what, where, passing, caught }));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href,
    catchNext: (where) => arm('commit', where, 0),
    catchBatch: (where) => arm('batch', where, 0),
    catchStatement: (where, passing) => arm('statement', where, passing),
    disarm: () => void (armed = undefined),
    cut,
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
