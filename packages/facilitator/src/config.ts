import {
  ConfigError,
  flag as truth,
  hostName,
  list,
  logLevel,
  misspeltVariables,
  readEnvironment,
  secret,
  whole as wholeIn,
  type Env,
} from '@agentpay/http';
import { findNetwork, networks, type Network } from '@agentpay/primitives';
import { addressSchema, bytes32Schema, type Address, type Hex } from '@agentpay/protocol';
import { parseEther, parseGwei } from 'viem';
import { z } from 'zod';
import { defaultGasLimits, type GasLimits } from './schemes/Scheme.js';
import { parseApiKeys, type ApiKey } from './operations/ApiKey.js';

/** Configuration of the facilitator process. */
export interface FacilitatorConfig {
  readonly port: number;
  readonly host: string;
  /** RPC nodes of the chain, the preferred one first. */
  readonly rpcUrls: readonly [string, ...string[]];
  readonly network: Network;
  /** Keys given by value; those in `keystore` come on top. */
  readonly signerKeys: readonly Hex[];
  readonly keystore: KeystoreSource | undefined;
  /** PostgreSQL; else an embedded database in `dataDir`; else one in memory, which forgets everything at the end. */
  readonly databaseUrl: string | undefined;
  readonly dataDir: string | undefined;
  /** Where prepared embedded databases are kept, for a quick start in a new `dataDir`. */
  readonly databaseCache: string | undefined;
  /** Where replicas count requests together; else each counts its own. */
  readonly redisUrl: string | undefined;
  readonly apiKeys: readonly ApiKey[];
  readonly metricsToken: string | undefined;
  /** Collector that spans are sent to by OTLP over HTTP; undefined: no traces. */
  readonly otlpEndpoint: string | undefined;
  /** Requests per key, or per address for those without one; undefined: not limited. */
  readonly rateLimit: { readonly perMinute: number; readonly burst: number } | undefined;
  /** Number of proxies in front whose X-Forwarded-For is believed. */
  readonly trustProxyHops: number;
  /** Whether paid resources that ask for it are listed in public. */
  readonly discovery: boolean;
  /** Hosts that may be listed although they are not public. */
  readonly discoveryHosts: readonly string[];
  /** Tokens to move; undefined: the network's USDC. */
  readonly assets: readonly Address[] | undefined;
  /** Payees to serve; undefined: all. */
  readonly payTo: readonly Address[] | undefined;
  /** Factories that may deploy a payer's account; undefined: none. */
  readonly factories: readonly Address[] | undefined;
  /** Whether accounts with code may pay. */
  readonly allowContractPayers: boolean;
  readonly maxValidBeforeSeconds: number;
  readonly settleTimeoutMs: number;
  readonly pollMs: number;
  readonly maxBatch: number;
  /** Milliseconds in which others may join the first payment of a transaction. */
  readonly batchWindowMs: number;
  readonly maxInFlight: number;
  readonly confirmations: number;
  /** An account with less ether than this cannot be relied on, in wei. */
  readonly minSignerBalance: bigint;
  /** Most wei offered for a unit of gas. */
  readonly maxFeePerGas: bigint;
  readonly gas: GasLimits;
  /** Our operator contract, for scheme `auth-capture`, and the key that signs for sellers; undefined: that scheme is not served. */
  readonly escrow: { readonly operator: Address; readonly authorizerKey: Hex | undefined } | undefined;
  /** An older unfinished settlement makes the process not ready. */
  readonly maxQueueAgeSeconds: number;
  readonly logLevel: string;
  /** Sentences about settings that are allowed and often not meant. */
  readonly warnings: readonly string[];
}

/** Encrypted keys and where their password is. */
export interface KeystoreSource {
  readonly files: readonly string[];
  readonly password: string | undefined;
  readonly passwordFile: string | undefined;
}

const whole = (min: number, max: number, otherwise: number) => wholeIn(min, max).default(otherwise);
const flag = (otherwise: boolean) => truth.default(otherwise);

function url(shown: string, ...protocols: string[]) {
  const matches = (value: string) => URL.canParse(value) && protocols.includes(new URL(value).protocol);
  return z.string().refine(matches, `must be ${shown} URL`);
}

const ether = z
  .string()
  .regex(/^\d{1,9}(\.\d{1,18})?$/, 'must be an amount of ether such as 0.001')
  .transform((text) => parseEther(text));
const gwei = z
  .string()
  .regex(/^\d{1,9}(\.\d{1,9})?$/, 'must be an amount of gwei such as 0.5')
  .transform((text) => parseGwei(text));
const node = url('an http(s)', 'http:', 'https:');
const addresses = list.pipe(z.array(addressSchema).min(1, 'must hold an address'));
const names = networks.map(({ name }) => name).join(', ');

const Environment = z.object({
  PORT: whole(0, 65_535, 3102),
  HOST: hostName.default('0.0.0.0'),
  RPC_URLS: list
    .pipe(z.array(node).min(1, 'must name a node').max(8, 'must name 8 nodes at most'))
    .optional(),
  SIGNER_KEYS: list
    .pipe(
      z.array(bytes32Schema).min(1, 'must hold a private key').max(32, 'must hold 32 private keys at most'),
    )
    .optional(),
  KEYSTORE_FILE: list
    .pipe(z.array(z.string()).min(1, 'must name a file').max(32, 'must name 32 files at most'))
    .optional(),
  KEYSTORE_PASSWORD: z.string().optional(),
  KEYSTORE_PASSWORD_FILE: z.string().optional(),
  NETWORKS: list
    .transform((names) => names.map(findNetwork))
    .refine(
      (found): found is [Network] => found.length === 1 && found[0] !== undefined,
      `must be one of ${names}`,
    )
    .prefault('base-sepolia'),
  ALLOW_MAINNET: flag(false),
  DATABASE_URL: url('a postgres://', 'postgres:', 'postgresql:').optional(),
  DATA_DIR: z.string().optional(),
  DATABASE_CACHE: z.string().optional(),
  REDIS_URL: url('a redis://', 'redis:', 'rediss:').optional(),
  API_KEYS: list.optional(),
  METRICS_TOKEN: secret.optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: node.optional(),
  RATE_LIMIT_PER_MINUTE: whole(1, 10_000_000, 0),
  RATE_LIMIT_BURST: whole(1, 1_000_000, 0),
  TRUST_PROXY_HOPS: whole(0, 10, 0),
  DISCOVERY: flag(true),
  DISCOVERY_HOSTS: list.optional(),
  PAYTO: addresses.optional(),
  ASSETS: addresses.optional(),
  OPERATOR_ADDRESS: addressSchema.optional(),
  AUTHORIZER_KEY: bytes32Schema.optional(),
  FACTORIES: addresses.optional(),
  ALLOW_CONTRACT_PAYERS: flag(true),
  MAX_VALID_BEFORE_SECONDS: whole(10, 31_536_000, 3_600),
  SETTLE_TIMEOUT_MS: whole(100, 600_000, 25_000),
  POLL_MS: whole(10, 60_000, 10),
  MAX_BATCH: whole(1, 200, 100),
  BATCH_WINDOW_MS: whole(1, 10_000, 5),
  MAX_IN_FLIGHT: whole(1, 100_000, 2_000),
  CONFIRMATIONS: whole(1, 1_000, 1),
  MIN_SIGNER_BALANCE: ether.prefault('0.0001'),
  MAX_FEE_GWEI: gwei.prefault('10'),
  MAX_GAS_ACCOUNT: whole(100_000, 10_000_000, Number(defaultGasLimits.account)),
  MAX_GAS_PERMIT2_ACCOUNT: whole(150_000, 10_000_000, Number(defaultGasLimits.permit2Account)),
  MAX_GAS_DEPLOYMENT: whole(200_000, 10_000_000, Number(defaultGasLimits.deployment)),
  MAX_QUEUE_AGE_SECONDS: whole(1, 86_400, 120),
  LOG_LEVEL: logLevel.default('info'),
});
type Environment = z.output<typeof Environment>;

/** Other names of a variable: one node, one key. */
const aliases = { RPC_URLS: 'RPC_URL', SIGNER_KEYS: 'SIGNER_KEY' } as const;

const known = [...Object.keys(Environment.shape), ...Object.values(aliases)];

/**
 * Reads the environment. Empty variables count as absent.
 * @throws ConfigError with every fault found
 * @example
 * ```ts
 * import { readConfig } from '@agentpay/facilitator';
 *
 * const config = readConfig({
 *   RPC_URLS: 'https://sepolia.base.org',
 *   SIGNER_KEYS: '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d',
 *   DATA_DIR: './facilitator',
 * });
 * console.log(config.network.id); // eip155:84532
 * ```
 */
export function readConfig(env: Env): FacilitatorConfig {
  const values = readEnvironment(Environment, env, aliases);
  const faults = [...misspeltVariables(known, env), ...crossFaults(values), ...mainnetFaults(values)];
  const apiKeys = parseApiKeys(values.API_KEYS ?? []);
  if (typeof apiKeys === 'string') faults.push(`API_KEYS ${apiKeys}.`);
  if (faults.length > 0 || typeof apiKeys === 'string') throw new ConfigError(faults);
  return toConfig(values, apiKeys);
}

/** What is wrong with variables together. */
function crossFaults(values: Environment): string[] {
  const faults: string[] = [];
  if (!values.RPC_URLS) faults.push('RPC_URLS is missing; give the URL of a node of the chain.');
  if (!values.SIGNER_KEYS && !values.KEYSTORE_FILE)
    faults.push('SIGNER_KEYS is missing; give a private key there, or KEYSTORE_FILE.');
  if (values.KEYSTORE_FILE && !values.KEYSTORE_PASSWORD && !values.KEYSTORE_PASSWORD_FILE) {
    faults.push('KEYSTORE_PASSWORD_FILE is missing; KEYSTORE_FILE needs it, or KEYSTORE_PASSWORD.');
  }
  if (values.AUTHORIZER_KEY && !values.OPERATOR_ADDRESS)
    faults.push(
      'OPERATOR_ADDRESS is missing; AUTHORIZER_KEY needs the operator contract for which it signs.',
    );
  if (values.AUTHORIZER_KEY && !values.API_KEYS)
    faults.push(
      'API_KEYS is missing; with AUTHORIZER_KEY only sellers that are known by a key are signed for.',
    );
  if (values.NETWORKS[0].mainnet && !values.ALLOW_MAINNET) {
    faults.push('NETWORKS names a network with real money: set ALLOW_MAINNET=true if you mean it.');
  }
  if (values.DATABASE_URL && values.DATA_DIR)
    faults.push('DATABASE_URL and DATA_DIR name two databases; give one of them.');
  if (values.RATE_LIMIT_BURST && !values.RATE_LIMIT_PER_MINUTE) {
    faults.push('RATE_LIMIT_PER_MINUTE is missing; RATE_LIMIT_BURST needs it.');
  }
  return faults;
}

/** What an operator of real money must not leave to defaults. */
function mainnetFaults(values: Environment): string[] {
  const faults: string[] = [];
  if (!values.NETWORKS[0].mainnet || !values.ALLOW_MAINNET) return faults;
  if (!values.DATABASE_URL && !values.DATA_DIR) {
    faults.push('DATABASE_URL is missing; with real money the record of payments must outlive the process.');
  }
  if (!values.API_KEYS && !values.RATE_LIMIT_PER_MINUTE) {
    faults.push('API_KEYS is missing; with real money name who may settle, or set RATE_LIMIT_PER_MINUTE.');
  }
  return faults;
}

/** What may be meant, and often is not. */
function warningsOf(values: Environment, apiKeys: readonly ApiKey[]): string[] {
  const warnings: string[] = [];
  if (!values.NETWORKS[0].mainnet) return warnings;
  if (!apiKeys.some(({ scopes }) => scopes.includes('settle')))
    warnings.push('No key has the scope settle: everybody may have payments settled on your gas.');
  if (!values.RATE_LIMIT_PER_MINUTE)
    warnings.push('RATE_LIMIT_PER_MINUTE is not set: calls are not limited.');
  const open = (values.RPC_URLS ?? []).filter((text) => isOpenHttp(new URL(text)));
  if (open.length > 0)
    warnings.push(`RPC_URLS has ${open.length} over http: whoever is on the way may lie about the chain.`);
  return warnings;
}

function isOpenHttp({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && !/^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

function toConfig(values: Environment, apiKeys: readonly ApiKey[]): FacilitatorConfig {
  const perMinute = values.RATE_LIMIT_PER_MINUTE;
  return {
    port: values.PORT,
    host: values.HOST,
    rpcUrls: values.RPC_URLS as [string, ...string[]],
    network: values.NETWORKS[0],
    signerKeys: values.SIGNER_KEYS ?? [],
    keystore: values.KEYSTORE_FILE && {
      files: values.KEYSTORE_FILE,
      password: values.KEYSTORE_PASSWORD,
      passwordFile: values.KEYSTORE_PASSWORD_FILE,
    },
    databaseUrl: values.DATABASE_URL,
    dataDir: values.DATA_DIR,
    databaseCache: values.DATABASE_CACHE,
    redisUrl: values.REDIS_URL,
    apiKeys,
    metricsToken: values.METRICS_TOKEN,
    otlpEndpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT,
    rateLimit: perMinute
      ? { perMinute, burst: values.RATE_LIMIT_BURST || Math.max(1, Math.ceil(perMinute / 6)) }
      : undefined,
    trustProxyHops: values.TRUST_PROXY_HOPS,
    discovery: values.DISCOVERY,
    discoveryHosts: values.DISCOVERY_HOSTS ?? [],
    payTo: values.PAYTO,
    assets: values.ASSETS,
    factories: values.FACTORIES,
    allowContractPayers: values.ALLOW_CONTRACT_PAYERS,
    maxValidBeforeSeconds: values.MAX_VALID_BEFORE_SECONDS,
    settleTimeoutMs: values.SETTLE_TIMEOUT_MS,
    pollMs: values.POLL_MS,
    maxBatch: values.MAX_BATCH,
    batchWindowMs: values.BATCH_WINDOW_MS,
    maxInFlight: values.MAX_IN_FLIGHT,
    confirmations: values.CONFIRMATIONS,
    minSignerBalance: values.MIN_SIGNER_BALANCE,
    maxFeePerGas: values.MAX_FEE_GWEI,
    gas: {
      account: BigInt(values.MAX_GAS_ACCOUNT),
      permit2Account: BigInt(values.MAX_GAS_PERMIT2_ACCOUNT),
      deployment: BigInt(values.MAX_GAS_DEPLOYMENT),
    },
    escrow: values.OPERATOR_ADDRESS && {
      operator: values.OPERATOR_ADDRESS,
      authorizerKey: values.AUTHORIZER_KEY,
    },
    maxQueueAgeSeconds: values.MAX_QUEUE_AGE_SECONDS,
    logLevel: values.LOG_LEVEL,
    warnings: warningsOf(values, apiKeys),
  };
}
