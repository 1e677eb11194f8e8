import { createHmac } from 'node:crypto';
import { createCore, ledger, vault, type Core, type CorePorts, type GivenSettings } from '@agentpay/core';
import {
  baseSepolia,
  findNetwork,
  systemClock,
  systemRandom,
  type Clock,
  type Db,
  type MachineClock,
  type Random,
  type RateLimiter,
  type Tracker,
} from '@agentpay/primitives';
import {
  httpFacilitator,
  paymentTokenKey,
  privateKeySigner,
  signUsageToken,
  type PaymentTokenJwk,
} from '@agentpay/protocol';
import { assertWritable } from '@agentpay/storage';
import {
  connectRedis,
  fallbackLimiter,
  memoryRateLimiter,
  memoryTracker,
  redisRateLimiter,
  redisTracker,
} from '@agentpay/tracker';
import { viemChain, type Chain } from '@agentpay/evm';
import { accessTokens } from './accessTokens.js';
import { agreementEscrow } from './escrow/agreementEscrow.js';
import { custodyKeys } from './chains/custodyKeys.js';
import { paymentChain } from './chains/paymentChain.js';
import type { ServerConfig } from './config.js';
import { migrateDb, openDb } from './database.js';
import { faultOf, openTracing, outbound, type Logger, type Outbound } from '@agentpay/http';
import { callRunner, type CallRunner } from './jobs/runCalls.js';
import type { MeteredWay } from './http/meteredProxy.js';
import { createMetrics, type ServerMetrics } from './operations/Metrics.js';
import { traced as tracedBy, untraced, type ServerTracing } from './operations/traced.js';
import { ownClock, sharedClock, type ClockCheck, type NodeClock } from './nodeClock.js';
import { endpoints } from './outbound/endpoints.js';
import { receivers } from './outbound/receivers.js';
import { signInOf, type WaysToSignIn } from './signIn/waysToSignIn.js';
import { stripeClient } from './stripe/StripeClient.js';
import { stripeCards } from './stripe/stripeCards.js';
import { stripePayouts } from './stripe/stripePayouts.js';
import { stripeRail } from './stripe/stripeRail.js';
import { chainTill, treasuryAccount, type ChainTill } from './treasury/ChainTill.js';
import { feeWalletOf } from './treasury/feeWalletOf.js';
import { createTreasury } from './treasury/Treasury.js';
import { usdcPayouts } from './treasury/usdcPayouts.js';
import { usdcRail } from './treasury/usdcRail.js';
import { sandboxConnectors } from './payouts/sandboxConnectors.js';
import type { DemoSellerOptions } from './http/DemoSellerOptions.js';
import { requestLog, type RequestLog } from './http/requestLog.js';
import { eventStreams, type EventStreams } from './streams/eventStreams.js';
import { readSecrets, type Secrets } from './secrets.js';
import { tokenCodec } from './tokenCodec.js';

/** Calls of one seller at the same time. */
const PER_SELLER = 128;

/** State of the parts a node depends on. Only the database decides whether it can serve: the tracker is an index. */
export interface ServerReadiness extends ClockCheck {
  readonly database: 'ok' | 'failed';
  readonly tracker: 'ok' | 'failed';
}

/** The parts of a node, put together. */
export interface Composition {
  readonly core: Core;
  /** Carries calls of agents out. */
  readonly calls: CallRunner;
  /** Tells listeners of events. */
  readonly streams: EventStreams;
  /** Signs events of Stripe; without it none is believed. */
  readonly stripeWebhookSecret: string | undefined;
  /** Where gateways are funded on a chain; absent: not configured. */
  readonly till: ChainTill | undefined;
  readonly limiter: RateLimiter;
  readonly log: Logger;
  readonly requestLog: RequestLog;
  /** The way of metered calls. */
  readonly metered: MeteredWay;
  /** Public keys of payment tokens. */
  readonly tokenKeys: readonly PaymentTokenJwk[];
  readonly baseUrl: () => string;
  readonly signIn: WaysToSignIn;
  readonly demo: DemoSellerOptions | undefined;
  /** The standard rate class. */
  readonly rates: ServerConfig['rateLimit'];
  readonly metrics: ServerMetrics;
  readonly traced: ServerTracing;
  ready(): Promise<ServerReadiness>;
  /** Closes tracker and database. */
  close(): Promise<void>;
}

/** What a server is given beside its configuration. */
export interface Dependencies {
  readonly log: Logger;
  /** Origin of absolute URLs; asked when one is made, as the port may be known late. */
  readonly baseUrl: () => string;
  /** Tells the time in place of the database's clock, for tests. */
  readonly clock?: Clock | undefined;
  /** The clock of the machine. */
  readonly machine?: MachineClock | undefined;
  readonly random?: Random | undefined;
}

/** Opens the stores that the configuration names, brings the schema up to date and makes the core. */
export async function compose(config: ServerConfig, dependencies: Dependencies): Promise<Composition> {
  const { log, baseUrl, random = systemRandom } = dependencies;
  const secrets = await readSecrets(config, random);
  const [token, ...former] = secrets.tokens;
  const tokenKeys = [paymentTokenKey(token), ...former.map(paymentTokenKey)] as const;
  const given = { ...dependencies, pepper: secrets.pepper };
  const { db, clock, check, stop, traced } = await openTracedDb(config, given);
  const metrics = createMetrics({ clock, core: () => core });
  const hot = await openHot(config, clock, { given: dependencies.clock, log });
  const out = traced.outbound(
    outbound({ clock: systemClock, allowHosts: config.outboundHosts, perServer: PER_SELLER }),
  );
  const toNamed = traced.outbound(outbound({ clock: systemClock, allowHosts: namedHosts(config) }));
  const till = chainTill(config);
  const core = createCore({
    db,
    clock,
    random,
    ports: {
      accessTokens: accessTokens(secrets.tokens, clock),
      tracker: hot.tracker,
      tokenCodec: tokenCodec(tokenKeys, baseUrl),
      vault: vault.createVault(secrets.vaultKeys, random),
      receivers: receivers(out, clock),
      endpoints: endpoints(out),
      ...onChains(config, { secrets, random }, out),
      settleChain: till?.settle,
      treasury: till && treasuryAccount(till, sepoliaOf(config)),
      escrow: escrowOf(config, secrets, clock),
      feeWallet: feeWalletOf(config, { db, clock, log }),
      ...waysOut(config, clock, toNamed),
    },
    settings: settingsOf(config, secrets),
    aroundBatch: (commands, write) =>
      metrics.aroundBatch(commands, () => traced.aroundBatch(commands, write)),
  });
  const [calls, streams, kept] = [callRunner(core, log), eventStreams(core, log), requestLog(core, log)];
  return {
    core,
    calls,
    streams,
    stripeWebhookSecret: config.stripeWebhookSecret,
    till,
    limiter: hot.limiter,
    log,
    requestLog: kept,
    tokenKeys: tokenKeys.map(({ publicJwk }) => publicJwk),
    metered: { streamOut: out.streamOut, sign: (claims) => signUsageToken(claims, tokenKeys[0]) },
    baseUrl,
    signIn: signInOf(config, toNamed),
    demo: demoOf(config, secrets, { clock, log }),
    rates: config.rateLimit,
    metrics,
    traced,
    ready: () => readyOf(db, hot, check),
    close: () =>
      closeAll([stop, streams.stop, calls.stop, kept.stop, ...[out, toNamed, hot, db, traced].map(closing)]),
  };
}

async function readyOf(db: Db, { ping }: Hot, check: NodeClock['check']): Promise<ServerReadiness> {
  const database = await answers(() => assertWritable(db));
  return { database, tracker: await answers(ping), ...check() };
}

/** One after the other: each works by those after it. */
async function closeAll(steps: readonly (() => unknown)[]): Promise<void> {
  for (const step of steps) await step();
}

const closing = (part: { close(): unknown }) => () => part.close();

/** The database with its tables and the time to go by, both as traces see them. */
async function openTracedDb(
  config: ServerConfig,
  given: Dependencies & { pepper: string },
): Promise<NodeClock & { readonly db: Db; readonly traced: ServerTracing }> {
  const traced = await openTraced(config, given.log);
  const db = traced.db(await openDb(config, given.log));
  const own = await prepare(db, config, given).catch(async (error: unknown) => {
    await Promise.all([db.close().catch(() => undefined), traced.close()]);
    throw error;
  });
  return { ...own, clock: traced.clock(own.clock), db, traced };
}

/** Traces when a collector is named. */
async function openTraced({ otlpEndpoint: endpoint }: ServerConfig, log: Logger): Promise<ServerTracing> {
  if (endpoint === undefined) return untraced;
  const onError = (error: unknown) => log.warn({ fault: faultOf(error) }, 'spans were not delivered');
  return tracedBy(await openTracing({ service: 'agentpay-api', endpoint, onError }));
}

function settingsOf(config: ServerConfig, secrets: Secrets): GivenSettings {
  return {
    agreements: {
      challengeSeconds: config.challengeWindowSeconds,
    },
    fees: config.fees,
    approvals: { ttlMs: config.approvalTtlSeconds * 1000 },
    identity: { pepper: secrets.pepper, ...config.operatorKeys },
    explorer: { ...config.explorer, enabled: config.sandbox },
    wallets: { sandbox: config.sandbox },
    developers: { autoApprove: config.autoApprove },
    marketplace: { offerUnproven: config.sandbox },
    tokens: { ttlMs: config.tokenTtlSeconds * 1000, defaultSlaSeconds: config.defaultSlaSeconds },
  };
}

/** A facilitator that is asked while a caller waits, who is answered within 30 seconds. */
function callsWithin(url: string) {
  return { url, verifyTimeoutMs: 5_000, settleTimeoutMs: 18_000 };
}

/** Chains on which wallets pay, and where the keys of these wallets come from. */
function onChains(
  { networks, confirmations, facilitatorUrl }: ServerConfig,
  { secrets: { custodyRoot }, random }: { secrets: Secrets; random: Random },
  { fetchOut }: Outbound,
): Pick<CorePorts, 'chains' | 'custodyKeys' | 'facilitator' | 'sellers'> {
  const open = ({ network, rpcUrl }: ServerConfig['networks'][number]) =>
    paymentChain({ network, chain: viemChain({ rpcUrl }), confirmations });
  const chains = new Map(networks.map((configured) => [configured.network.id, open(configured)]));
  return {
    chains,
    custodyKeys: custodyKeys(custodyRoot, random),
    facilitator: facilitatorUrl === undefined ? undefined : httpFacilitator(callsWithin(facilitatorUrl)),
    sellers: { fetchOut },
  };
}

/** The escrow of agreements on the default network, where that is one of Base. */
function escrowOf(
  { networks: [first], facilitatorUrl: url, escrowKey, production }: ServerConfig,
  { tokens: [token] }: Secrets,
  clock: Clock,
): CorePorts['escrow'] {
  const network = first && findNetwork(first.network.id);
  if (!network || url === undefined || (production && escrowKey === undefined)) return undefined;
  const derived = createHmac('sha256', token).update('agentpay agreements escrow v1').digest('hex');
  const authorizer = privateKeySigner(escrowKey ?? `0x${derived}`);
  const chain = viemChain({ rpcUrl: first.rpcUrl });
  const feeReceiver = authorizer.address;
  return agreementEscrow({
    network,
    chain,
    facilitator: httpFacilitator({ url }),
    authorizer,
    feeReceiver,
    clock,
  });
}

/** The demo seller sells on the default network. */
function demoOf(
  { demoPayTo: payTo, facilitatorUrl: facilitator, networks: [first] }: ServerConfig,
  { tokens }: Secrets,
  { clock, log }: { clock: Clock; log: Logger },
): DemoSellerOptions | undefined {
  if (!payTo || !facilitator || !first) return undefined;
  const mppSecret = tokens.map((token) =>
    createHmac('sha256', token).update('agentpay demo seller v1').digest('hex'),
  );
  const onError = (report: unknown) => log.warn({ report }, 'the demo seller reports');
  return { payTo, facilitator, network: first.network.name, mppSecret, clock, logger: log, onError };
}

/** Where the operator says that Stripe and GitHub are; they may be on this machine. */
function namedHosts({ stripe, signIn: { github } }: ServerConfig): string[] {
  const urls = [stripe?.url, github?.url, github?.apiUrl].filter((url) => url !== undefined);
  return urls.map((url) => new URL(url).host);
}

type WaysOut = Pick<CorePorts, 'rails' | 'payouts' | 'cards'>;

/** Ways for money to leave: play money by sandboxes, and by the treasury and Stripe where they are configured. */
function waysOut(config: ServerConfig, clock: Clock, toStripe: Outbound): WaysOut {
  const [own, stripe] = [sandboxWays(config, clock), stripeWays(config, toStripe)];
  return {
    rails: { ...own.rails, ...stripe.rails },
    payouts: { ...own.payouts, ...stripe.payouts },
    cards: stripe.cards,
  };
}

function stripeWays({ stripe, sandbox }: ServerConfig, { fetchOut }: Outbound): WaysOut {
  if (!stripe) return { rails: {}, payouts: {} };
  const client = stripeClient({ ...stripe, fetchOut });
  const account = sandbox ? ledger.FAUCET : ledger.PSP_STRIPE;
  return {
    rails: stripe.charge ? { stripe: stripeRail({ client, account, ...stripe.charge }) } : {},
    payouts: { stripe: stripePayouts({ client, account }) },
    cards: stripeCards(client),
  };
}

/** Where the treasury is looked at; undefined where its network has no RPC node. */
function sepoliaOf({ networks }: Pick<ServerConfig, 'networks'>): Chain | undefined {
  const looked = networks.find(({ network }) => network.id === baseSepolia.id);
  return looked && viemChain({ rpcUrl: looked.rpcUrl });
}

function sandboxWays(
  { sandbox, treasuryKey, facilitatorUrl, networks }: ServerConfig,
  clock: Clock,
): WaysOut {
  if (!sandbox) return { rails: {}, payouts: {} };
  if (!treasuryKey || !facilitatorUrl) return { rails: {}, payouts: sandboxConnectors() };
  const facilitator = httpFacilitator({ url: facilitatorUrl });
  const treasury = createTreasury({ privateKey: treasuryKey, network: baseSepolia, facilitator, clock });
  return {
    rails: { 'base-usdc': usdcRail(treasury, sepoliaOf({ networks })) },
    payouts: { ...sandboxConnectors(), crypto: usdcPayouts(treasury) },
  };
}

/** Brings the schema up to date, and finds the time to go by. */
async function prepare(
  db: Db,
  { databaseUrl }: ServerConfig,
  { clock, machine = systemClock, log, pepper }: Dependencies & { pepper: string },
): Promise<NodeClock> {
  await migrateDb(db, pepper);
  if (clock) return ownClock(clock);
  return databaseUrl === undefined ? ownClock(machine) : sharedClock(db, { machine, log });
}

/**
 * Tracker and rate limits: on Redis, or in this process. Redis being away at the start is no reason not to start.
 * @param options.given the time that rate limits on Redis go by in place of Redis' own
 */
async function openHot(
  { redisUrl }: ServerConfig,
  clock: Clock,
  { given, log }: { given: Clock | undefined; log: Logger },
): Promise<Hot> {
  if (redisUrl === undefined) {
    const tracker = memoryTracker();
    return {
      tracker,
      limiter: memoryRateLimiter(clock),
      ping: async () => undefined,
      close: () => tracker.close(),
    };
  }
  const redis = await connectRedis(redisUrl, { log: (line) => log.warn(line) });
  return {
    tracker: redisTracker(redis),
    limiter: fallbackLimiter(redisRateLimiter(redis, { clock: given }), memoryRateLimiter(clock)),
    ping: () => redis.ping(),
    close: async () => redis.disconnect(),
  };
}

interface Hot {
  readonly tracker: Tracker;
  readonly limiter: RateLimiter;
  ping(): Promise<unknown>;
  close(): Promise<void>;
}

async function answers(ask: () => Promise<unknown>): Promise<'ok' | 'failed'> {
  return ask().then(
    () => 'ok',
    () => 'failed',
  );
}
