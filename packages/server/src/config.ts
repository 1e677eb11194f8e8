import type { explorer } from '@agentpay/core';
import {
  checked,
  ConfigError,
  type Env,
  flag,
  hostName,
  list,
  logLevel,
  misspeltVariables,
  port,
  readEnvironment,
  secret,
  sharedSecrets,
  urlOf,
  whole,
} from '@agentpay/http';
import { databaseUrlFault } from '@agentpay/storage';
import { z } from 'zod';
import { readNetworks, type ConfiguredNetwork } from './chains/readNetworks.js';

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
  readonly adminKey: string | undefined;
  /** Origin of absolute URLs and issuer of tokens; the address listened on when absent. */
  readonly publicBaseUrl: string | undefined;
  /** Number of proxies in front whose X-Forwarded-For is believed. */
  readonly trustProxyHops: number;
  readonly tokenTtlSeconds: number;
  /** How long an approval waits for its owner, and may be used after that. */
  readonly approvalTtlSeconds: number;
  /** How long the buyer of an agreement can object to its settlement. */
  readonly challengeWindowSeconds: number;
  /** Fee of an activation on a chain, in US cents. */
  readonly infraFeeCents: number;
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
  /** Key of the operator of the public demo. */
  readonly demoAdminKey: string | undefined;
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

const Environment = z.object({
  NODE_ENV: z.string().optional(),
  PORT: port.optional(),
  HOST: hostName.optional(),
  DATABASE_URL: checked(databaseUrlFault).optional(),
  DATABASE_POOL_SIZE: whole(1, 1_000).optional(),
  DATA_DIR: z.string().optional(),
  DATABASE_CACHE: z.string().optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: urlOf('http:', 'https:').optional(),
  REDIS_URL: urlOf('redis:', 'rediss:').optional(),
  JWT_SECRET: secret.optional(),
  KEY_PEPPER: secret.optional(),
  TREASURY_KEY: z
    .string()
    .regex(/^0x[0-9a-fA-F]{64}$/, 'must be a private key, 0x and 64 hexadecimal digits')
    .optional(),
  FACILITATOR_URL: urlOf('http:', 'https:').optional(),
  ESCROW_KEY: z
    .string()
    .regex(/^0x[0-9a-fA-F]{64}$/, 'must be a private key, 0x and 64 hexadecimal digits')
    .optional(),
  GAS_WALLET_KEY: z
    .string()
    .regex(/^0x[0-9a-fA-F]{64}$/, 'must be a private key, 0x and 64 hexadecimal digits')
    .optional(),
  RPC_URLS: list.optional(),
  PAYMENT_NETWORKS: z.string().max(65_536).optional(),
  CONFIRMATIONS: whole(1, 1_000).optional(),
  STRIPE_API_URL: urlOf('http:', 'https:').optional(),
  STRIPE_SECRET_KEY: z
    .string()
    .regex(/^[rs]k_(test|live)_\w{8,250}$/, 'must be a secret or restricted key of Stripe')
    .optional(),
  STRIPE_CUSTOMER: z
    .string()
    .regex(/^cus_\w{1,120}$/, 'must be the id of a customer')
    .optional(),
  STRIPE_PAYMENT_METHOD: z
    .string()
    .regex(/^pm_\w{1,120}$/, 'must be the id of a payment method')
    .optional(),
  GITHUB_CLIENT_ID: z.string().max(255).optional(),
  GITHUB_CLIENT_SECRET: z.string().max(255).optional(),
  GITHUB_URL: urlOf('http:', 'https:').optional(),
  GITHUB_API_URL: urlOf('http:', 'https:').optional(),
  DEV_SIGN_IN: flag.optional(),
  DEMO_PAY_TO: z
    .string()
    .regex(/^0x[0-9a-fA-F]{40}$/, 'must be an address')
    .optional(),
  MASTER_KEY: secret.optional(),
  FORMER_MASTER_KEYS: list.optional(),
  OUTBOUND_LOOPBACK: flag.optional(),
  OUTBOUND_HOSTS: list.optional(),
  ADMIN_KEY: secret.optional(),
  PUBLIC_BASE_URL: urlOf('http:', 'https:').optional(),
  TRUST_PROXY_HOPS: whole(0, 10).optional(),
  TOKEN_TTL_SECONDS: whole(1, 86_400).optional(),
  APPROVAL_TTL_SECONDS: whole(1, 31_536_000).optional(),
  CHALLENGE_WINDOW_SECONDS: whole(0, 2_592_000).optional(),
  INFRA_FEE_CENTS: whole(0, 10_000).optional(),
  DEFAULT_SLA_SECONDS: whole(1, 86_400).optional(),
  RATE_LIMIT_PER_MINUTE: whole(1, 1_000_000).optional(),
  RATE_LIMIT_BURST: whole(1, 1_000_000).optional(),
  SANDBOX: flag.optional(),
  SANDBOX_AUTO_APPROVE: flag.optional(),
  STRIPE_WEBHOOK_SECRET: z
    .string()
    .regex(/^whsec_\w{16,200}$/, 'must be the signing secret of a webhook of Stripe')
    .optional(),
  BOOTSTRAP_GATEWAY_KEY: z
    .string()
    .regex(/^gw_live_\w{32,200}$/, 'must be gw_live_ and at least 32 letters and digits')
    .optional(),
  ALLOW_SINGLE_NODE: flag.optional(),
  LOG_LEVEL: logLevel.optional(),
  PUBLIC_DEMO_MODE: flag.optional(),
  PUBLIC_DEMO_SANDBOX_ONLY: flag.optional(),
  PUBLIC_DEMO_ALLOWED_ORIGINS: list.optional(),
  PUBLIC_DEMO_ADMIN_TOKEN: secret.optional(),
  EXPLORER_HOST_WRITES: flag.optional(),
  EXPLORER_GUEST_WRITES: flag.optional(),
  EXPLORER_SESSION_MINUTES: whole(1, 10_080).optional(),
  EXPLORER_ACCESS_MINUTES: whole(1, 1_440).optional(),
  EXPLORER_INVITE_MINUTES: whole(1, 10_080).optional(),
  EXPLORER_MAX_SESSIONS: whole(1, 100_000).optional(),
  EXPLORER_PAYMENT_MAX: whole(1, 1_000_000).optional(),
  EXPLORER_FUNDING_MAX: whole(1, 1_000_000).optional(),
  EXPLORER_RAILS: list.optional(),
});
type Environment = z.output<typeof Environment>;

/**
 * Reads the environment. Empty variables count as absent.
 * @throws ConfigError with every fault found
 */
export function readConfig(env: Env): ServerConfig {
  const values = readEnvironment(Environment, env);
  const production = values.NODE_ENV === 'production';
  const faults = [
    ...misspeltVariables(Object.keys(Environment.shape), env),
    ...storageFaults(values),
    ...stripeFaults(values),
    ...sandboxFaults(values),
    ...signInFaults(values),
    ...(production ? productionFaults(values) : []),
  ];
  const networks = readNetworks(values.RPC_URLS ?? [], values.PAYMENT_NETWORKS);
  if (typeof networks === 'string') faults.push(networks);
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
    adminKey: values.ADMIN_KEY,
    publicBaseUrl: values.PUBLIC_BASE_URL?.replace(/\/+$/, ''),
    trustProxyHops: values.TRUST_PROXY_HOPS ?? 0,
    tokenTtlSeconds: values.TOKEN_TTL_SECONDS ?? 300,
    approvalTtlSeconds: values.APPROVAL_TTL_SECONDS ?? 86_400,
    challengeWindowSeconds: values.CHALLENGE_WINDOW_SECONDS ?? 86_400,
    infraFeeCents: values.INFRA_FEE_CENTS ?? 10,
    defaultSlaSeconds: values.DEFAULT_SLA_SECONDS ?? 60,
    rateLimit: { perMinute: values.RATE_LIMIT_PER_MINUTE ?? 1200, burst: values.RATE_LIMIT_BURST ?? 200 },
    sandbox: isSandbox(values),
    stripeWebhookSecret: values.STRIPE_WEBHOOK_SECRET,
    bootstrapGatewayKey: values.BOOTSTRAP_GATEWAY_KEY,
    autoApprove: values.SANDBOX_AUTO_APPROVE ?? false,
    demoAdminKey: values.PUBLIC_DEMO_ADMIN_TOKEN,
    explorer: explorerOf(values),
    logLevel: values.LOG_LEVEL ?? 'info',
    otlpEndpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT,
  };
}

function isSandbox({ SANDBOX, NODE_ENV, PUBLIC_DEMO_MODE }: Environment): boolean {
  return SANDBOX ?? (NODE_ENV !== 'production' || PUBLIC_DEMO_MODE === true);
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

function signInFaults(values: Environment): string[] {
  const { GITHUB_CLIENT_ID: id, GITHUB_CLIENT_SECRET: secret, GITHUB_URL, GITHUB_API_URL } = values;
  const faults: string[] = [];
  if ((id === undefined) !== (secret === undefined))
    faults.push('GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET belong together; give both or none.');
  if (!id && (GITHUB_URL || GITHUB_API_URL))
    faults.push('GITHUB_CLIENT_ID is missing; GITHUB_URL and GITHUB_API_URL need it.');
  return faults;
}

function stripeFaults(values: Environment): string[] {
  const { STRIPE_SECRET_KEY: key, STRIPE_CUSTOMER, STRIPE_PAYMENT_METHOD, STRIPE_API_URL } = values;
  const faults: string[] = [];
  if (!key && (STRIPE_CUSTOMER || STRIPE_PAYMENT_METHOD || STRIPE_API_URL))
    faults.push('STRIPE_SECRET_KEY is missing; the other variables of Stripe need it.');
  if ((STRIPE_CUSTOMER === undefined) !== (STRIPE_PAYMENT_METHOD === undefined))
    faults.push('STRIPE_CUSTOMER and STRIPE_PAYMENT_METHOD belong together; give both or none.');
  if (key && /^.k_live_/.test(key) && isSandbox(values))
    faults.push('STRIPE_SECRET_KEY is a live key; a sandbox would pay real money out for play money.');
  return faults;
}

function sandboxFaults(values: Environment): string[] {
  if (!values.SANDBOX_AUTO_APPROVE || isSandbox(values)) return [];
  return ['SANDBOX_AUTO_APPROVE lets everybody become a developer; it needs a sandbox.'];
}

/** Restrictions of the public sandbox; what is absent has its default in the core. */
function explorerOf(values: Environment): Partial<Omit<explorer.ExplorerSettings, 'enabled'>> {
  const minutes = (value: number | undefined) => value && value * 60_000;
  const units = (value: number | undefined) => value && BigInt(value) * 1_000_000n;
  const given = {
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

function storageFaults(values: Environment): string[] {
  const faults: string[] = [];
  if (values.DATABASE_URL && values.DATA_DIR)
    faults.push('DATABASE_URL and DATA_DIR name two databases; give one of them.');
  // Production names the same fault in its own words.
  if (values.DATABASE_URL && !values.JWT_SECRET && values.NODE_ENV !== 'production') {
    faults.push('JWT_SECRET is missing; every node on DATABASE_URL must sign with the same one.');
  }
  return faults;
}

function productionFaults(values: Environment): string[] {
  const faults: string[] = [];
  if (!values.JWT_SECRET)
    faults.push('JWT_SECRET is missing; production needs at least 32 random characters.');
  if (values.OUTBOUND_LOOPBACK)
    faults.push('OUTBOUND_LOOPBACK lets callers reach this machine; production refuses it.');
  if (values.DEV_SIGN_IN) faults.push('DEV_SIGN_IN lets anybody be anybody; production refuses it.');
  if (!values.DATABASE_URL)
    faults.push('DATABASE_URL is missing; production does not run on the embedded database.');
  if (values.TRUST_PROXY_HOPS === undefined)
    faults.push('TRUST_PROXY_HOPS is missing; give the number of proxies in front, 0 for none.');
  if (!values.REDIS_URL && !values.ALLOW_SINGLE_NODE) {
    faults.push('REDIS_URL is missing; set ALLOW_SINGLE_NODE=true to run a single node without it.');
  }
  if (values.SANDBOX && !values.PUBLIC_DEMO_MODE) {
    faults.push('SANDBOX=true lets everybody give themselves money; production refuses it.');
  }
  const { JWT_SECRET, KEY_PEPPER, MASTER_KEY, ADMIN_KEY, PUBLIC_DEMO_ADMIN_TOKEN } = values;
  faults.push(...sharedSecrets({ JWT_SECRET, KEY_PEPPER, MASTER_KEY, ADMIN_KEY, PUBLIC_DEMO_ADMIN_TOKEN }));
  return [...faults, ...demoFaults(values)];
}

function demoFaults(values: Environment): string[] {
  const faults: string[] = [];
  if (values.PUBLIC_DEMO_ALLOWED_ORIGINS?.some((origin) => !origin.startsWith('https://'))) {
    faults.push('PUBLIC_DEMO_ALLOWED_ORIGINS has an origin that does not start with https://.');
  }
  if (!values.PUBLIC_DEMO_MODE) return faults;
  if (!values.PUBLIC_DEMO_ADMIN_TOKEN) {
    faults.push('PUBLIC_DEMO_ADMIN_TOKEN is missing; PUBLIC_DEMO_MODE needs at least 32 random characters.');
  }
  if (!values.PUBLIC_DEMO_SANDBOX_ONLY) faults.push('PUBLIC_DEMO_MODE needs PUBLIC_DEMO_SANDBOX_ONLY=true.');
  return faults;
}
