import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { pgMessages, type PgMessage } from './pgMessages.js';

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

/** What one message does that a connection sends. */
interface Written {
  /** Whether a transaction is committed, and a batch with it. */
  readonly commit?: 'batch' | 'other';
  /** Whether it is a statement outside of transactions, and whether that writes. */
  readonly alone?: 'writes' | 'reads';
}

const BATCH = /^with [^]*batch_expect\(/;
const WRITES =
  /^(?=(?:with|insert|update|delete)\s)[^]*\b(?:insert into|update|delete from) (?!idempotency_keys|kept_requests)/;

/**
 * Finds commits in what one connection sends: the word itself, or the statement of a batch, which is a whole transaction unless it stands
 * within one.
 */
function writes(): (message: PgMessage) => Written {
  const prepared = new Map<string, 'batch' | 'writes' | 'reads'>();
  let within = false;
  let batchWithin = false;

  function query(text: string): Written {
    if (text === 'commit') {
      within = false;
      return { commit: batchWithin ? 'batch' : 'other' };
    }
    if (text.startsWith('begin')) [within, batchWithin] = [true, false];
    else if (text === 'rollback') within = false;
    else if (!within) return { alone: 'reads' };
    return {};
  }
  function bind(name: string): Written {
    const kind = prepared.get(name) ?? 'reads';
    if (within) {
      batchWithin ||= kind === 'batch';
      return {};
    }
    return kind === 'batch' ? { commit: 'batch', alone: 'writes' } : { alone: kind };
  }
  return ({ type, body }) => {
    const [first = '', second = ''] = body.toString('latin1').split('\0', 2);
    // Query: text. Parse: name, text. Bind: portal, name.
    if (type === 'Q') return query(first);
    if (type === 'P')
      prepared.set(first, BATCH.test(second) ? 'batch' : WRITES.test(second) ? 'writes' : 'reads');
    return type === 'B' ? bind(second) : {};
  };
}

/** Whether PostgreSQL answers after this message: it opens the session, or is a Query or a Sync. ReadyForQuery is the end of the answer. */
const isAnswered = ({ type }: PgMessage) => ['', 'Q', 'S'].includes(type);
const wholes = (messages: readonly PgMessage[]) => messages.map(({ whole }) => whole);
const isReady = ({ type }: PgMessage) => type === 'Z';

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

  function takeIfDue({ commit, alone }: Written): Armed | undefined {
    if (!armed) return undefined;
    const meant = {
      commit: commit !== undefined,
      batch: commit === 'batch',
      statement: alone !== undefined,
      write: commit !== undefined || alone === 'writes',
    };
    if (!meant[armed.what] || armed.passing-- > 0) return undefined;
    const due = armed;
    armed = undefined;
    return due;
  }

  /** One connection. @returns what is to be passed on of what either side sends */
  function connection() {
    const writtenBy = writes();
    /** Of what was sent and has no answer yet, whether it commits a batch. */
    const unanswered: boolean[] = [];
    let [silent, batch] = [false, false];
    let caught: Armed | undefined;
    return {
      passes(message: PgMessage): boolean {
        if (silent) return false;
        const written = writtenBy(message);
        caught ??= takeIfDue(written);
        if (caught?.where === 'before') {
          silent = true;
          caught.caught();
          return false;
        }
        batch ||= written.commit === 'batch';
        if (!isAnswered(message)) return true;
        unanswered.push(batch);
        batch = false;
        silent = caught !== undefined;
        return true;
      },
      returns(message: PgMessage): boolean {
        const answered = isReady(message) ? unanswered.shift() : undefined;
        if (silent && unanswered.length === 0) caught?.caught();
        if (keptBack && answered && --keptBack.batches <= 0) keptBack.enough();
        return !silent && !keptBack;
      },
    };
  }

  const server = createServer((client) => {
    const upstream = connect(Number(target.port || 5432), target.hostname);
    const { passes, returns } = connection();
    const [sent, received] = [pgMessages({ opening: true }), pgMessages({ opening: false })];
    client.on('data', (piece) => {
      upstream.write(Buffer.concat(wholes(sent(piece).filter(passes))));
    });
    upstream.on('data', (piece) => {
      client.write(Buffer.concat(wholes(received(piece).filter(returns))));
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
