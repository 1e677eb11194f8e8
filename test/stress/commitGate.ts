import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';

/** Where something is caught: on its way to PostgreSQL, or when PostgreSQL has done it and answers. */
export type Catch = 'before' | 'after';

/** A way to PostgreSQL on which a commit, or a statement outside of transactions, can be caught. */
export interface CommitGate {
  readonly url: string;
  /** Resolves when the next commit is caught. Its connection stays silent from then on; later ones are not touched. */
  catchNext(where: Catch): Promise<void>;
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

/** What is a commit: the word itself, or the statement of a batch, which is a whole transaction. */
type CommitKind = 'commit' | 'batch';

/** Finds commits in what one connection sends. */
function commits(): (chunk: Buffer) => CommitKind | undefined {
  const batches = new Set<string>();
  return (chunk) => {
    const text = chunk.toString('latin1');
    if (text.includes(COMMIT)) return 'commit';
    // Parse: name, text. Bind: portal, name.
    for (const [, name = ''] of text.matchAll(/(agentpay_\d+)\0with [^\0]*batch_expect\(/g))
      batches.add(name);
    return [...batches].some((name) => text.includes(`\0${name}\0`)) ? 'batch' : undefined;
  };
}
const BEGIN = Buffer.from('begin', 'latin1');
/** ReadyForQuery of a session that is in no transaction. */
const IDLE = Buffer.from('Z\0\0\0\x05I', 'latin1');

interface Armed {
  readonly what: 'commit' | 'statement';
  readonly where: Catch;
  passing: number;
  readonly caught: () => void;
}

export async function commitGate(databaseUrl: string): Promise<CommitGate> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let armed: Armed | undefined;

  function takeIfDue(chunk: Buffer, idle: boolean, commit: CommitKind | undefined): Armed | undefined {
    if (!armed) return undefined;
    const meant = armed.what === 'commit' ? commit !== undefined : idle && !chunk.includes(BEGIN);
    if (!meant || armed.passing-- > 0) return undefined;
    const due = armed;
    armed = undefined;
    return due;
  }

  const server = createServer((client) => {
    const upstream = connect(Number(target.port || 5432), target.hostname);
    const kindOf = commits();
    let [silent, idle] = [false, false];
    let onAnswer: (() => void) | undefined;
    client.on('data', (chunk) => {
      if (silent) return;
      // Inside a transaction the statement of a batch is one like any other.
      const found = kindOf(chunk);
      const kind = found === 'batch' && !idle ? undefined : found;
      const due = takeIfDue(chunk, idle, kind);
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
