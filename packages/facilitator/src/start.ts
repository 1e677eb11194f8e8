import { faultOf, listen, outbound, type Listening } from '@agentpay/http';
import {
  systemClock,
  systemRandom,
  type Cancel,
  type Clock,
  type Db,
  type RateLimiter,
} from '@agentpay/primitives';
import { ChainError, createFeeGauge, failoverChain, keyRecovery, viemChain, type Chain } from '@agentpay/evm';
import { migrate, pgDb, pgliteDb } from '@agentpay/storage';
import { connectRedis, fallbackLimiter, memoryRateLimiter, redisRateLimiter } from '@agentpay/tracker';
import type { Logger } from 'pino';
import { privateKeyToAccount } from 'viem/accounts';
import { createApp } from './http/app.js';
import { catalogue, type Catalogue } from './extensions/Catalogue.js';
import { ownershipOf } from './extensions/ownership.js';
import type { Config } from './config.js';
import { createFacilitator, type RunningFacilitator } from './engine/Facilitator.js';
import { createAccess } from './http/access.js';
import { refusals } from './http/errors.js';
import { loadSignerKeys } from './operations/Keystore.js';
import { createMetrics, measuredChain } from './operations/Metrics.js';
import { migrations } from './migrations.js';
import { paymentIdentifiers } from './extensions/PaymentIdentifiers.js';
import { createReadiness } from './operations/Readiness.js';
import { settlementBook } from './operations/SettlementBook.js';
import { traced, untraced, type Traced } from './operations/traced.js';
import { openTracing } from './operations/Tracing.js';

/** How long requests under way may take once the server is told to stop. */
const GRACE_MS = 10_000;
/** Replicas on one PostgreSQL take the signer accounts of one that has not been heard of for so long. */
const LEASE_MS = 10_000;

/** How often listings are looked through for those that are due to be checked. */
const CHECK_LISTINGS_MS = 60_000;

/** A facilitator that answers. */
export interface FacilitatorServer {
  readonly url: string;
  readonly port: number;
  readonly facilitator: RunningFacilitator;
  /**
   * Takes no more connections, answers the calls at work for `graceMs` (default 10 s), and lets go of everything. A second call can only
   * shorten the grace.
   */
  close(graceMs?: number): Promise<void>;
}

/**
 * Starts the facilitator and its HTTP server.
 * @throws Error with one sentence when keys, chain, database or port are not usable
 * @example
 * ```ts
 * import { readConfig, start } from '@agentpay/facilitator';
 * import { createLogger } from '@agentpay/http';
 *
 * const server = await start(readConfig(process.env), createLogger('info'));
 * console.log(server.url);
 * await server.close();
 * ```
 */
export async function start(config: Config, log: Logger): Promise<FacilitatorServer> {
  const closers: (() => Promise<void>)[] = [];
  const closeAll = async () => {
    for (let close = closers.pop(); close; close = closers.pop()) await close();
  };
  try {
    for (const warning of config.warnings) log.warn(warning);
    const { listening, ...server } = await open(config, log, closers);
    let closing: Promise<void> | undefined;
    const close = async (graceMs = GRACE_MS) => {
      const drained = listening.close(graceMs);
      await Promise.all([drained, (closing ??= closeAll())]);
    };
    return { ...server, url: listening.url, port: listening.port, close };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** Opens every part; each that must be let go of adds its closer. */
async function open(
  config: Config,
  log: Logger,
  closers: (() => Promise<void>)[],
): Promise<{ readonly listening: Listening; readonly facilitator: RunningFacilitator }> {
  const parts = await openTraced(config, log, closers);
  const [clock, random] = [parts.clock(systemClock), systemRandom];
  const { network, minSignerBalance, maxQueueAgeSeconds, trustProxyHops, metricsToken } = config;
  const accounts = (await loadSignerKeys(config)).map((key) => privateKeyToAccount(key));
  const db = parts.db(await openDb(config));
  closers.push(() => db.close());
  const limiter = await openLimiter(config, { clock, log }, closers);

  const book = settlementBook(db, { clock, network });
  const figures = {
    balances: () => readiness.balances(),
    fees: { asked: () => fees.asked() },
    queue: book.queue,
  };
  const metrics = createMetrics({ ...figures, process: true });
  const hear = (what: string, error: unknown) =>
    log.warn({ what, fault: faultOf(error) }, 'tried again later');
  const chain = measuredChain(
    parts.chain(openChain(config, { clock, onError: (error) => hear('node', error) })),
    clock,
    metrics,
  );
  const fees = createFeeGauge({ chain, clock, maxFeePerGas: config.maxFeePerGas });
  const signers = accounts.map(({ address }) => address);
  const readiness = createReadiness({
    db,
    chain,
    clock,
    network,
    signers,
    fees,
    queue: book.queue,
    minSignerBalance,
    maxQueueAgeSeconds,
  });

  if (keyRecovery.name !== 'native') {
    log.warn(
      { recovery: keyRecovery.name },
      'THE NATIVE SIGNATURE ADDON IS NOT BUILT HERE: signatures take about four times as long',
    );
  }
  const facilitator = await createFacilitator({
    db,
    clock,
    random,
    chain,
    accounts,
    fees,
    network,
    assets: config.assets,
    payTo: config.payTo,
    factories: config.factories,
    maxValidBeforeSeconds: config.maxValidBeforeSeconds,
    allowContractPayers: config.allowContractPayers,
    gas: config.gas,
    minSignerBalance,
    maxInFlight: config.maxInFlight,
    maxBatch: config.maxBatch,
    settleTimeoutMs: config.settleTimeoutMs,
    pollMs: config.pollMs,
    confirmations: config.confirmations,
    ...(config.databaseUrl !== undefined && { leaseMs: LEASE_MS }),
    onError: hear,
    aroundBatch: parts.aroundBatch,
    onTransaction(mined) {
      metrics.mined(mined);
      void book.mined(mined).catch((error: unknown) => hear('keep gas', error));
    },
  }).catch((error: unknown) => {
    throw error instanceof ChainError
      ? new Error(`No RPC node of RPC_URLS can be used: ${said(error)}.`, { cause: error })
      : error;
  });
  let listening: Listening | undefined;
  // The facilitator ends together with the requests, since it is what they wait for.
  closers.push(async () => {
    readiness.drain();
    await Promise.all([listening?.close(GRACE_MS), facilitator.close()]);
  });

  const app = createApp({
    facilitator: parts.facilitator(facilitator),
    clock,
    random,
    log,
    readiness,
    metrics,
    metricsToken,
    book,
    access: createAccess({ keys: config.apiKeys, limiter, rate: config.rateLimit, trustProxyHops }),
    identifiers: paymentIdentifiers(db, clock),
    catalogue: config.discovery ? openCatalogue(config, { db, clock, log }, closers) : undefined,
  });
  const { host, port: wanted } = config;
  listening = await listen(parts.requests(app), {
    host,
    port: wanted,
    clock,
    ...refusals({ clock, random }),
  });
  const { port } = listening;
  const { resumed } = facilitator;
  log.info(
    { port, network: network.id, signers, recovery: keyRecovery.name, resumed, keys: config.apiKeys.length },
    'facilitator is up',
  );
  return { listening, facilitator };
}

/** The catalogue, with a look at what is due every minute. */
function openCatalogue(
  { discoveryHosts: hosts }: Config,
  { db, clock, log }: { db: Db; clock: Clock; log: Logger },
  closers: (() => Promise<void>)[],
): Catalogue {
  const { fetchOut, close } = outbound({ clock, allowHosts: hosts });
  const onError = (error: unknown) => log.warn({ fault: faultOf(error) }, 'listings were not checked');
  const opened = catalogue({ db, clock, hosts, onError, ask: (probed) => ownershipOf(fetchOut, probed) });
  let cancel: Cancel = () => {};
  let closed = false;
  const again = () => {
    cancel = clock.timer(CHECK_LISTINGS_MS, () => void opened.check().then(() => closed || again()), {
      background: true,
    });
  };
  again();
  closers.push(async () => {
    closed = true;
    cancel();
    await close();
  });
  return opened;
}

/** Traces when a collector is named. */
async function openTraced(
  { otlpEndpoint }: Config,
  log: Logger,
  closers: (() => Promise<void>)[],
): Promise<Traced> {
  if (otlpEndpoint === undefined) return untraced;
  const onError = (error: unknown) => log.warn({ fault: faultOf(error) }, 'spans were not delivered');
  const tracing = await openTracing({ endpoint: otlpEndpoint, onError });
  closers.push(tracing.close);
  return traced(tracing);
}

/** The database with its tables. */
async function openDb({ databaseUrl, dataDir }: Config): Promise<Db> {
  const db = await (databaseUrl ? pgDb({ url: databaseUrl }) : pgliteDb({ dir: dataDir }));
  await migrate(db, migrations).catch(async (cause: unknown) => {
    await db.close();
    throw new Error(`The database cannot be used: ${said(cause)}.`, { cause });
  });
  return db;
}

/** The nodes as one chain: the next one answers when one does not. */
function openChain(
  { rpcUrls, network }: Config,
  { clock, onError }: { clock: Clock; onError: (error: unknown) => void },
): Chain {
  const nodes = rpcUrls.map((rpcUrl) => viemChain({ rpcUrl })) as [Chain, ...Chain[]];
  return failoverChain(nodes, { clock, chainId: network.chainId, onError });
}

/** What a fault says; some drivers leave that to its code. */
function said(cause: unknown): string {
  const { message, code } = faultOf(cause);
  return (message || code || 'no reason given').replace(/\.$/, '');
}

/** Counts calls on Redis, or in this process; Redis being away is no reason to refuse payments. */
async function openLimiter(
  { redisUrl, rateLimit }: Config,
  { clock, log }: { clock: Clock; log: Logger },
  closers: (() => Promise<void>)[],
): Promise<RateLimiter | undefined> {
  if (!rateLimit) return undefined;
  const local = memoryRateLimiter(clock);
  if (redisUrl === undefined) return local;
  const redis = await connectRedis(redisUrl, { log: (line) => log.warn(line) });
  closers.push(async () => redis.disconnect());
  return fallbackLimiter(redisRateLimiter(redis, { prefix: 'agentpay:facilitator' }), local);
}
