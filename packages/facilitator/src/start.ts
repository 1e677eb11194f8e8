import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock, systemRandom, type Db } from '@agentpay/primitives';
import { viemChain } from '@agentpay/evm';
import { migrate, pgDb, pgliteDb } from '@agentpay/storage';
import type { Logger } from 'pino';
import { privateKeyToAccount } from 'viem/accounts';
import { createApp } from './app.js';
import type { Config } from './config.js';
import { createFacilitator, type RunningFacilitator } from './Facilitator.js';
import { loadSignerKeys } from './Keystore.js';
import { migrations } from './migrations.js';

/** A facilitator that answers. */
export interface FacilitatorServer {
  readonly url: string;
  readonly port: number;
  readonly facilitator: RunningFacilitator;
  /** Takes no more calls, answers those at work, and lets go of everything. */
  close(): Promise<void>;
}

/** Starts the facilitator and its HTTP server. @throws Error with one sentence when chain, database or port are not usable */
export async function start(config: Config, log: Logger): Promise<FacilitatorServer> {
  const db = await openDb(config);
  try {
    await migrate(db, migrations);
    const signerKeys = await loadSignerKeys(config);
    const facilitator = await createFacilitator({
      ...config,
      db,
      clock: systemClock,
      random: systemRandom,
      chain: viemChain({ rpcUrl: config.rpcUrls[0] }),
      accounts: signerKeys.map((key) => privateKeyToAccount(key)),
      onError: (what, error) => log.warn({ what, reason: (error as Error).message }, 'tried again later'),
    });
    const app = createApp({ facilitator, clock: systemClock, random: systemRandom, log });
    const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }, app);
    const stop = async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      await facilitator.close();
      await closed;
      await db.close();
    };
    const port = await listen(server, config).catch(async (error: unknown) => {
      await facilitator.close();
      throw error;
    });
    log.info({ port, network: config.network.id, resumed: facilitator.resumed }, 'facilitator is up');
    const host = config.host.includes(':') ? `[${config.host}]` : config.host;
    return { url: `http://${host === '0.0.0.0' || host === '[::]' ? '127.0.0.1' : host}:${port}`, port, facilitator, close: stop };
  } catch (error) {
    await db.close();
    throw error;
  }
}

async function openDb({ databaseUrl, dataDir }: Config): Promise<Db> {
  return databaseUrl ? pgDb({ url: databaseUrl }) : pgliteDb({ dir: dataDir });
}

function listen(server: Server, { port, host }: Config): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'it is taken' : error.message;
      reject(new Error(`Port ${port} cannot be used: ${why}.`));
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}
