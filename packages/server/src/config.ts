import type { explorer, GivenFees } from '@agentpay/core';
import { ConfigError, readEnvironment, type Env } from '@agentpay/http';
import { readNetworks, type ConfiguredNetwork } from './chains/readNetworks.js';
import { configFaults } from './configFaults.js';
import { Environment, isSandbox } from './environment.js';

/** What the process is told by its environment, checked. */
export interface ServerConfig {
  readonly production: boolean;
  /** 0: any free port. */
  readonly port: number;
  readonly host: string;
  /** PostgreSQL; without it an embedded one runs in `dataDir`, or in memory. */
  readonly databaseUrl: string | undefined;
  /** Most connections to PostgreSQL. */
  readonly databasePoolSize: number;
  readonly dataDir: string | undefined;
  /** Where prepared embedded databases are kept, for a quick start in a new `dataDir`. */
  readonly databaseCache: string | undefined;
  /** Redis; without it tracker and rate limits live in this process. */
  readonly redisUrl: string | undefined;
  /** Signs payment tokens. Absent only with the embedded database, which keeps or generates one. */
  readonly jwtSecret: string | undefined;
  /** What was signed by these is still good. */
  readonly formerJwtSecrets: readonly string[];
  /** Keys the hashes of stored credentials; derived from the token secret when absent. */
  readonly keyPepper: string | undefined;
  /** Seals stored secrets; absent: derived from the JWT secret. */
  readonly masterKey: string | undefined;
  /** Master keys that opened what they sealed before the present one. */
  readonly formerMasterKeys: readonly string[];
  /** Where webhooks, sellers and services may be beside public hosts. */
  readonly outboundHosts: readonly string[];
  /** Pays on the chain for the sandbox; with {@link facilitatorUrl} the rail base-usdc and payouts to addresses are configured. */
  readonly treasuryKey: `0x${string}` | undefined;
  readonly facilitatorUrl: string | undefined;
  /** Signs what is paid out of the escrow for agreements; absent: derived from the JWT secret, and in production no escrow. */
  readonly escrowKey: `0x${string}` | undefined;
  /** Collects the fees of direct payments on the default network and pays its gas; with {@link facilitatorUrl} they are configured. */
  readonly gasWalletKey: `0x${string}` | undefined;
  /** Where wallets pay on chains, the default network first. */
  readonly networks: readonly ConfiguredNetwork[];
  /** Blocks that a payment must have, its own included, to count. */
  readonly confirmations: number;
  /** Payouts to connected accounts, and with {@link StripeConfig.charge} the rail stripe; absent: not configured. */
  readonly stripe: StripeConfig | undefined;
  readonly signIn: SignInConfig;
  /** Address that is paid by whoever buys from the demo seller. */
  readonly demoPayTo: string | undefined;
  /** Keys of the operator, the present one before those that it takes the place of, and of the operator of the public demo. */
  readonly operatorKeys: { readonly adminKeys: readonly string[]; readonly demoAdminKeys: readonly string[] };
  /** Origin of absolute URLs and issuer of tokens; the address listened on when absent. */
  readonly publicBaseUrl: string | undefined;
  /** Number of proxies in front whose X-Forwarded-For is believed. */
  readonly trustProxyHops: number;
  readonly tokenTtlSeconds: number;
  /** How long an approval waits for its owner, and may be used after that. */
  readonly approvalTtlSeconds: number;
  /** How long the buyer of an agreement can object to its settlement. */
  readonly challengeWindowSeconds: number;
  /** What the platform takes; what is absent has its default in the core. */
  readonly fees: GivenFees;
  readonly defaultSlaSeconds: number;
  readonly rateLimit: { readonly perMinute: number; readonly burst: number };
  /** Whether the test faucet gives money. */
  readonly sandbox: boolean;
  /** Signs the events that Stripe sends; without it none is believed. */
  readonly stripeWebhookSecret: string | undefined;
  /** Key of a gateway that is made at the start, unless there is one with this key. */
  readonly bootstrapGatewayKey: string | undefined;
  /** Whether developers are approved as they register. */
  readonly autoApprove: boolean;
  /** A demo that is open to the public: origins whose pages may use its API, beside its own. Absent: no demo. */
  readonly publicDemo: { readonly allowedOrigins: readonly string[] } | undefined;
  readonly explorer: Partial<Omit<explorer.ExplorerSettings, 'enabled'>>;
  readonly logLevel: string;
  /** Collector that spans are sent to by OTLP over HTTP; undefined: no traces. */
  readonly otlpEndpoint: string | undefined;
}

/** How people sign in. */
export interface SignInConfig {
  readonly github:
    | {
        readonly url: string;
        readonly apiUrl: string;
        readonly clientId: string;
        readonly clientSecret: string;
      }
    | undefined;
  /** Whether anybody may be anybody. */
  readonly development: boolean;
}

/** The platform's account at Stripe. */
export interface StripeConfig {
  readonly url: string;
  readonly secretKey: string;
  /** What pays for payments by the rail. */
  readonly charge: { readonly customer: string; readonly paymentMethod: string } | undefined;
}

/**
 * Reads the environment. Empty variables count as absent.
 * @throws ConfigError with every fault found
 */
export function readConfig(env: Env): ServerConfig {
  const values = readEnvironment(Environment, env);
  const production = values.NODE_ENV === 'production';
  const faults = configFaults(values, env);
  const networks = readNetworks(values.RPC_URLS ?? [], values.PAYMENT_NETWORKS);
  if (typeof networks === 'string') faults.push(networks);
  else faults.push(...realMoneyFaults(values, networks));
  if (faults.length > 0 || typeof networks === 'string') throw new ConfigError(faults);
  return {
    production,
    networks,
    confirmations: values.CONFIRMATIONS ?? 1,
    port: values.PORT ?? 3100,
    host: values.HOST ?? (production ? '0.0.0.0' : '127.0.0.1'),
    databaseUrl: values.DATABASE_URL,
    databasePoolSize: values.DATABASE_POOL_SIZE ?? 10,
    dataDir: values.DATA_DIR,
    databaseCache: values.DATABASE_CACHE,
    redisUrl: values.REDIS_URL,
    jwtSecret: values.JWT_SECRET,
    formerJwtSecrets: values.FORMER_JWT_SECRETS ?? [],
    keyPepper: values.KEY_PEPPER,
    treasuryKey: values.TREASURY_KEY as `0x${string}` | undefined,
    facilitatorUrl: values.FACILITATOR_URL,
    escrowKey: values.ESCROW_KEY as `0x${string}` | undefined,
    gasWalletKey: values.GAS_WALLET_KEY as `0x${string}` | undefined,
    masterKey: values.MASTER_KEY,
    formerMasterKeys: values.FORMER_MASTER_KEYS ?? [],
    outboundHosts: [...(values.OUTBOUND_LOOPBACK ? LOOPBACK : []), ...(values.OUTBOUND_HOSTS ?? [])],
    stripe: stripeOf(values),
    signIn: signInConfigOf(values),
    demoPayTo: values.DEMO_PAY_TO,
    operatorKeys: operatorKeysOf(values),
    publicBaseUrl: values.PUBLIC_BASE_URL?.replace(/\/+$/, ''),
    trustProxyHops: values.TRUST_PROXY_HOPS ?? 0,
    tokenTtlSeconds: values.TOKEN_TTL_SECONDS ?? 300,
    approvalTtlSeconds: values.APPROVAL_TTL_SECONDS ?? 86_400,
    challengeWindowSeconds: values.CHALLENGE_WINDOW_SECONDS ?? 86_400,
    fees: feesOf(values),
    defaultSlaSeconds: values.DEFAULT_SLA_SECONDS ?? 60,
    rateLimit: { perMinute: values.RATE_LIMIT_PER_MINUTE ?? 1200, burst: values.RATE_LIMIT_BURST ?? 200 },
    sandbox: isSandbox(values),
    stripeWebhookSecret: values.STRIPE_WEBHOOK_SECRET,
    bootstrapGatewayKey: values.BOOTSTRAP_GATEWAY_KEY,
    autoApprove: values.SANDBOX_AUTO_APPROVE ?? false,
    publicDemo: values.PUBLIC_DEMO_MODE
      ? { allowedOrigins: values.PUBLIC_DEMO_ALLOWED_ORIGINS ?? [] }
      : undefined,
    explorer: explorerOf(values),
    logLevel: values.LOG_LEVEL ?? 'info',
    otlpEndpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT,
  };
}

/** A demo of play money alone has no wallets where money is real. */
function realMoneyFaults(
  { PUBLIC_DEMO_SANDBOX_ONLY }: Environment,
  networks: readonly ConfiguredNetwork[],
): string[] {
  const real = networks.filter(({ network }) => network.mainnet).map(({ network }) => network.name);
  if (!PUBLIC_DEMO_SANDBOX_ONLY || real.length === 0) return [];
  return [`PUBLIC_DEMO_SANDBOX_ONLY refuses networks where money is real: ${real.join(', ')}.`];
}

function operatorKeysOf(values: Environment): ServerConfig['operatorKeys'] {
  const { ADMIN_KEY: key, FORMER_ADMIN_KEYS: former = [], PUBLIC_DEMO_ADMIN_TOKEN: demo } = values;
  return { adminKeys: key ? [key, ...former] : [], demoAdminKeys: demo ? [demo] : [] };
}

const CENT = 10_000n;

function feesOf(values: Environment): GivenFees {
  const { PAYMENT_FEE: payment, CALL_FEE: call, MARKETPLACE_FEE: marketplace } = values;
  const { DIRECT_FEE: direct, AGREEMENT_FEE: agreement, INFRA_FEE_CENTS: cents } = values;
  const infra = cents === undefined ? undefined : BigInt(cents) * CENT;
  return { payment, call, marketplace, direct, agreement, infra };
}

function stripeOf(values: Environment): StripeConfig | undefined {
  const { STRIPE_SECRET_KEY: secretKey, STRIPE_CUSTOMER: customer } = values;
  const { STRIPE_PAYMENT_METHOD: paymentMethod, STRIPE_API_URL = 'https://api.stripe.com' } = values;
  if (!secretKey) return undefined;
  const charge = customer && paymentMethod ? { customer, paymentMethod } : undefined;
  return { url: STRIPE_API_URL.replace(/\/+$/, ''), secretKey, charge };
}

function signInConfigOf(values: Environment): SignInConfig {
  const { GITHUB_CLIENT_ID: clientId, GITHUB_CLIENT_SECRET: clientSecret, DEV_SIGN_IN } = values;
  const { GITHUB_URL = 'https://github.com', GITHUB_API_URL = 'https://api.github.com' } = values;
  const [url = '', apiUrl = ''] = [GITHUB_URL, GITHUB_API_URL].map((text) => text.replace(/\/+$/, ''));
  const github = clientId && clientSecret ? { url, apiUrl, clientId, clientSecret } : undefined;
  return { github, development: DEV_SIGN_IN ?? false };
}

/** Restrictions of the public sandbox; what is absent has its default in the core. */
function explorerOf(values: Environment): Partial<Omit<explorer.ExplorerSettings, 'enabled'>> {
  const minutes = (value: number | undefined) => value && value * 60_000;
  const units = (value: number | undefined) => value && BigInt(value) * 1_000_000n;
  const given = {
    everybody: values.PUBLIC_DEMO_MODE,
    hostWrites: values.EXPLORER_HOST_WRITES,
    guestWrites: values.EXPLORER_GUEST_WRITES,
    sessionTtlMs: minutes(values.EXPLORER_SESSION_MINUTES),
    accessTtlMs: minutes(values.EXPLORER_ACCESS_MINUTES),
    inviteTtlMs: minutes(values.EXPLORER_INVITE_MINUTES),
    maxSessions: values.EXPLORER_MAX_SESSIONS,
    paymentMax: units(values.EXPLORER_PAYMENT_MAX),
    fundingMax: units(values.EXPLORER_FUNDING_MAX),
    rails: values.EXPLORER_RAILS,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];
