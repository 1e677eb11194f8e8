import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import type { PgliteReply, PgliteCommand, ThreadData } from './PgliteMessages.js';
import { parseTimestamp, TIMESTAMP, TIMESTAMPTZ } from './timestamp.js';

// The thread that {@link startPglite} starts: PGlite works here, so that the process can answer requests meanwhile.

const INT8 = 20;
const port = parentPort as NonNullable<typeof parentPort>;

async function main({ dir }: ThreadData): Promise<void> {
  const pglite = await PGlite.create({
    ...(dir === undefined ? {} : { dataDir: dir }),
    parsers: { [INT8]: BigInt, [TIMESTAMP]: parseTimestamp, [TIMESTAMPTZ]: parseTimestamp },
  });

  async function obey(order: PgliteCommand): Promise<readonly unknown[]> {
    if (order.kind === 'query') return (await pglite.query(order.sql, [...order.params])).rows;
    await (order.kind === 'exec' ? pglite.exec(order.sql) : pglite.close());
    return [];
  }

  // One at a time and in the order of their coming.
  let before: Promise<void> = Promise.resolve();
  port.on('message', (order: PgliteCommand) => {
    before = before.then(async () => {
      const answer = await obey(order).then(
        (rows): PgliteReply => ({ id: order.id, rows }),
        (error: Error): PgliteReply => ({ id: order.id, error: { ...error, message: error.message } }),
      );
      port.postMessage(answer);
    });
  });
  port.postMessage('open');
}

await main(workerData as ThreadData);
