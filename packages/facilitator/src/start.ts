import { faultOf, listen, openTracing, outbound, type Listening } from '@agentpay/http';
import {
  systemClock,
  systemRandom,
  type Cancel,
  type Clock,
  type Db,
  type RateLimiter,
} from '@agentpay/primitives';
import {
  ChainError,
  createFeeGauge,
  failoverChain,
  keyRecovery,
  viemChain,
  type Chain,
  type FeeGauge,
} from '@agentpay/evm';
import { migrate, pgDb, pgliteDb, preparedDb } from '@agentpay/storage';
import { connectRedis, fallbackLimiter, memoryRateLimiter, redisRateLimiter } from '@agentpay/tracker';
import { privateKeySigner, type Address } from '@agentpay/protocol';
import type { Logger } from 'pino';
import type { LocalAccount } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { createApp } from './http/app.js';
import { catalogue, type Catalogue } from './extensions/Catalogue.js';
import { ownershipOf } from './extensions/ownership.js';
import type { FacilitatorConfig } from './config.js';
import { createFacilitator, type RunningFacilitator } from './engine/Facilitator.js';
import { createAccess } from './http/access.js';
import { refusals } from './http/errors.js';
import { loadSignerKeys } from './operations/Keystore.js';
import { createMetrics, measuredChain, type Metrics } from './operations/Metrics.js';
import { migrations } from './migrations.js';
import { paymentIdentifiers } from './extensions/PaymentIdentifiers.js';
import { createReadiness, type Readiness } from './operations/Readiness.js';
import { settlementBook, type SettlementBook } from './operations/SettlementBook.js';
import { traced as tracedBy, untraced, type Traced } from './operations/traced.js';

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
export async function start(config: FacilitatorConfig, log: Logger): Promise<FacilitatorServer> {
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

/** What the parts are opened with. */
interface Opening {
  readonly config: FacilitatorConfig;
  readonly log: Logger;
  readonly clock: Clock;
  readonly traced: Traced;
  /** Every part that must be let go of adds its closer; they are called in reverse order. */
  readonly closers: (() => Promise<void>)[];
  /** Hears of what is tried again later. */
  readonly hear: (what: string, error: unknown) => void;
}

async function open(
  config: FacilitatorConfig,
  log: Logger,
  closers: (() => Promise<void>)[],
): Promise<{ readonly listening: Listening; readonly facilitator: RunningFacilitator }> {
  const traced = await openTraced(config, log, closers);
  const hear = (what: string, error: unknown) =>
    log.warn({ what, fault: faultOf(error) }, 'tried again later');
  const opening: Opening = { config, log, clock: traced.clock(systemClock), traced, closers, hear };
  const { clock } = opening;
  const accounts = (await loadSignerKeys(config)).map((key) => privateKeyToAccount(key));
  const signers = accounts.map(({ address }) => address);
  const db = traced.db(await openDb(config));
  closers.push(() => db.close());
  const limiter = await openLimiter(config, { clock, log }, closers);
  const book = settlementBook(db, { clock, network: config.network });
  const watched = openWatched(opening, { db, book, signers });
  if (keyRecovery.name !== 'native') {
    log.warn(
      { recovery: keyRecovery.name },
      'THE NATIVE SIGNATURE ADDON IS NOT BUILT HERE: signatures take about four times as long',
    );
  }
  const facilitator = await openFacilitator(opening, { db, book, accounts, ...watched });
  const listening = await serve(opening, { facilitator, db, book, limiter, ...watched });
  const { port } = listening;
  const { network, apiKeys } = config;
  const { resumed } = facilitator;
  log.info(
    { port, network: network.id, signers, recovery: keyRecovery.name, resumed, keys: apiKeys.length },
    'facilitator is up',
  );
  return { listening, facilitator };
}

/** The chain, and what watches it and the rest. */
interface Watched {
  readonly chain: Chain;
  readonly fees: FeeGauge;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
}

function openWatched(
  { config, clock, traced, hear }: Opening,
  { db, book, signers }: { db: Db; book: SettlementBook; signers: readonly Address[] },
): Watched {
  const { network, maxFeePerGas, minSignerBalance, maxQueueAgeSeconds } = config;
  const metrics = createMetrics({
    balances: () => readiness.balances(),
    fees: { asked: () => fees.asked() },
    queue: book.queue,
    process: true,
  });
  const nodes = openChain(config, { clock, onError: (error) => hear('node', error) });
  const chain = measuredChain(traced.chain(nodes), clock, metrics);
  const fees = createFeeGauge({ chain, clock, maxFeePerGas });
  const { queue } = book;
  const limits = { minSignerBalance, maxQueueAgeSeconds };
  const readiness = createReadiness({ db, chain, clock, network, signers, fees, queue, ...limits });
  return { chain, fees, metrics, readiness };
}

/** @throws Error with one sentence when the chain is not as expected */
async function openFacilitator(
  { config, clock, traced, hear }: Opening,
  parts: Pick<Watched, 'chain' | 'fees' | 'metrics'> & {
    readonly db: Db;
    readonly book: SettlementBook;
    readonly accounts: readonly LocalAccount[];
  },
): Promise<RunningFacilitator> {
  const { db, book, accounts, chain, fees, metrics } = parts;
  return createFacilitator({
    db,
    clock,
    random: systemRandom,
    chain,
    accounts,
    fees,
    network: config.network,
    assets: config.assets,
    payTo: config.payTo,
    factories: config.factories,
    maxValidBeforeSeconds: config.maxValidBeforeSeconds,
    allowContractPayers: config.allowContractPayers,
    gas: config.gas,
    escrow: config.escrow && {
      operator: config.escrow.operator,
      authorizer: config.escrow.authorizerKey && privateKeySigner(config.escrow.authorizerKey),
    },
    minSignerBalance: config.minSignerBalance,
    maxInFlight: config.maxInFlight,
    maxBatch: config.maxBatch,
    batchWindowMs: config.batchWindowMs,
    settleTimeoutMs: config.settleTimeoutMs,
    pollMs: config.pollMs,
    confirmations: config.confirmations,
    ...(config.databaseUrl !== undefined && { leaseMs: LEASE_MS }),
    onError: hear,
    aroundBatch: traced.aroundBatch,
    onTransaction(mined) {
      metrics.mined(mined);
      void book.mined(mined).catch((error: unknown) => hear('keep gas', error));
    },
  }).catch((error: unknown) => {
    throw error instanceof ChainError
      ? new Error(`No RPC node of RPC_URLS can be used: ${said(error)}.`, { cause: error })
      : error;
  });
}

/** Puts the facilitator on its port. It ends together with the requests, since it is what they wait for. */
async function serve(
  { config, log, clock, traced, closers }: Opening,
  parts: Pick<Watched, 'metrics' | 'readiness'> & {
    readonly facilitator: RunningFacilitator;
    readonly db: Db;
    readonly book: SettlementBook;
    readonly limiter: RateLimiter | undefined;
  },
): Promise<Listening> {
  const { facilitator, db, book, limiter, metrics, readiness } = parts;
  const { host, port, apiKeys, rateLimit, trustProxyHops, metricsToken } = config;
  const random = systemRandom;
  let listening: Listening | undefined;
  closers.push(async () => {
    readiness.drain();
    await Promise.all([listening?.close(GRACE_MS), facilitator.close()]);
  });
  const app = createApp({
    facilitator: traced.facilitator(facilitator),
    clock,
    random,
    log,
    readiness,
    metrics,
    metricsToken,
    book,
    access: createAccess({ keys: apiKeys, limiter, rate: rateLimit, trustProxyHops }),
    identifiers: paymentIdentifiers(db, clock),
    catalogue: config.discovery ? openCatalogue(config, { db, clock, log }, closers) : undefined,
  });
  const replies = refusals({ clock, random });
  listening = await listen(traced.requests(app), { host, port, clock, ...replies });
  return listening;
}

/** The catalogue, with a look at what is due every minute. */
function openCatalogue(
  { discoveryHosts: hosts }: FacilitatorConfig,
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
  { otlpEndpoint }: FacilitatorConfig,
  log: Logger,
  closers: (() => Promise<void>)[],
): Promise<Traced> {
  if (otlpEndpoint === undefined) return untraced;
  const onError = (error: unknown) => log.warn({ fault: faultOf(error) }, 'spans were not delivered');
  const tracing = await openTracing({ service: 'agentpay-facilitator', endpoint: otlpEndpoint, onError });
  closers.push(tracing.close);
  return tracedBy(tracing);
}

/** The database with its tables. */
async function openDb({ databaseUrl, dataDir, databaseCache: cache }: FacilitatorConfig): Promise<Db> {
  const embedded = () =>
    dataDir === undefined || cache === undefined
      ? pgliteDb({ dir: dataDir })
      : preparedDb({ dir: dataDir, cache, migrations });
  const db = await (databaseUrl ? pgDb({ url: databaseUrl }) : embedded());
  await migrate(db, migrations).catch(async (cause: unknown) => {
    await db.close();
    throw new Error(`The database cannot be used: ${said(cause)}.`, { cause });
  });
  return db;
}

/** The nodes as one chain: the next one answers when one does not. */
function openChain(
  { rpcUrls, network }: FacilitatorConfig,
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
  { redisUrl, rateLimit }: FacilitatorConfig,
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
