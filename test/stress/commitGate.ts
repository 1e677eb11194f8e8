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
  /**
   * The same for the commit, or the writing statement outside of transactions, that comes after `passing` others. The claim of an
   * idempotency key is none of them, nor is what is written down of requests, twice a second.
   */
  catchWrite(where: Catch, passing: number): Promise<void>;
  /** From now on what PostgreSQL answers stays back; resolves when so many commits of batches were answered. */
  keepBack(batches: number): Promise<void>;
  /** Catches nothing any more. */
  disarm(): void;
  /** Breaks every connection that is open. */
  cut(): void;
  close(): Promise<void>;
}

// The simple query of PostgreSQL's protocol: 'Q', length, text, zero.
const COMMIT = 'Q\0\0\0\x0bcommit\0';

/** What a chunk does that one connection sends. */
interface Written {
  /** Whether a transaction is committed, and a batch with it. */
  readonly commit?: 'batch' | 'other';
  /** Whether a statement outside of transactions writes. */
  readonly alone?: true;
}

// Parse: name, text.
const PARSED = /(agentpay_\d+)\0((?:with|insert|update|delete)\s[^\0]*)/g;
const WRITES = /\b(?:insert into|update|delete from) (?!idempotency_keys|kept_requests)/;

/**
 * Finds commits in what one connection sends: the word itself, or the statement of a batch, which is a whole transaction unless it stands
 * within one. `idle`: the session is in no transaction.
 */
function writes(): (chunk: Buffer, idle: boolean) => Written {
  const [batches, writing] = [new Set<string>(), new Set<string>()];
  let batchWithin = false;
  return (chunk, idle) => {
    const text = chunk.toString('latin1');
    if (idle) batchWithin = false;
    if (text.includes(COMMIT)) return { commit: batchWithin ? 'batch' : 'other' };
    for (const [, name = '', statement = ''] of text.matchAll(PARSED)) {
      if (/^with [^]*batch_expect\(/.test(statement)) batches.add(name);
      else if (WRITES.test(statement)) writing.add(name);
    }
    // Bind: portal, name.
    const binds = (names: Set<string>) => [...names].some((name) => text.includes(`\0${name}\0`));
    const batch = binds(batches);
    batchWithin ||= batch && !idle;
    if (!idle) return {};
    if (batch) return { commit: 'batch' };
    return binds(writing) ? { alone: true } : {};
  };
}
const BEGIN = Buffer.from('begin', 'latin1');
/** CommandComplete of a batch, which selects one row, and nothing else. */
const BATCH_DONE = 'SELECT 1\0';
/** ReadyForQuery of a session that is in no transaction. */
const IDLE = Buffer.from('Z\0\0\0\x05I', 'latin1');

interface Armed {
  readonly what: 'commit' | 'batch' | 'statement' | 'write';
  readonly where: Catch;
  passing: number;
  readonly caught: () => void;
}

export async function commitGate(databaseUrl: string): Promise<CommitGate> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let armed: Armed | undefined;
  let keptBack: { batches: number; readonly enough: () => void } | undefined;

  function keepsBack(chunk: Buffer): boolean {
    if (!keptBack) return false;
    keptBack.batches -= chunk.toString('latin1').split(BATCH_DONE).length - 1;
    if (keptBack.batches <= 0) keptBack.enough();
    return true;
  }

  function takeIfDue(chunk: Buffer, idle: boolean, { commit, alone }: Written): Armed | undefined {
    if (!armed) return undefined;
    const meant = {
      commit: commit !== undefined,
      batch: commit === 'batch',
      statement: idle && !chunk.includes(BEGIN),
      write: commit !== undefined || alone === true,
    };
    if (!meant[armed.what] || armed.passing-- > 0) return undefined;
    const due = armed;
    armed = undefined;
    return due;
  }

  const server = createServer((client) => {
    const upstream = connect(Number(target.port || 5432), target.hostname);
    const writtenBy = writes();
    let [silent, idle] = [false, false];
    let onResponse: (() => void) | undefined;
    client.on('data', (chunk) => {
      if (silent) return;
      const due = takeIfDue(chunk, idle, writtenBy(chunk, idle));
      idle = false;
      if (due) {
        silent = true;
        if (due.where === 'before') return due.caught();
        onResponse = due.caught;
      }
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (silent) return onResponse?.();
      if (keepsBack(chunk)) return;
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
    keptBack = undefined;
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href,
    catchNext: (where) => arm('commit', where, 0),
    catchBatch: (where) => arm('batch', where, 0),
    catchStatement: (where, passing) => arm('statement', where, passing),
    catchWrite: (where, passing) => arm('write', where, passing),
    keepBack: (batches) => new Promise<void>((enough) => (keptBack = { batches, enough })),
    disarm: () => void (armed = undefined),
    cut,
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
