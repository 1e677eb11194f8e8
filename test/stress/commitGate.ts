import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';

/** Where a commit is caught: on its way to PostgreSQL, or when PostgreSQL has done it and answers. */
export type Catch = 'before' | 'after';

/** A way to PostgreSQL on which a commit can be caught. */
export interface CommitGate {
  readonly url: string;
  /** Resolves when the next commit is caught. Its connection stays silent from then on; later ones are not touched. */
  catchNext(where: Catch): Promise<void>;
  /** Breaks every connection that is open. */
  cut(): void;
  close(): Promise<void>;
}

// The simple query of PostgreSQL's protocol: 'Q', length, text, zero.
const COMMIT = Buffer.from('Q\0\0\0\x0bcommit\0', 'latin1');

export async function commitGate(databaseUrl: string): Promise<CommitGate> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let armed: { where: Catch; caught: () => void } | undefined;

  const server = createServer((client) => {
    const upstream = connect(Number(target.port || 5432), target.hostname);
    let silent = false;
    let onAnswer: (() => void) | undefined;
    client.on('data', (chunk) => {
      if (silent) return;
      if (armed && chunk.includes(COMMIT)) {
        const { where, caught } = armed;
        armed = undefined;
        silent = true;
        if (where === 'before') return caught();
        onAnswer = caught;
      }
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => (silent ? onAnswer?.() : client.write(chunk)));
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
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href,
    catchNext: (where) => new Promise((caught) => (armed = { where, caught })),
    cut,
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
