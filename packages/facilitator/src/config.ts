import { findNetwork, networks, type Network } from '@agentpay/primitives';
import { addressSchema, type Address, type Hex } from '@agentpay/protocol';
import { z } from 'zod';

/** Configuration of the facilitator process. */
export interface Config {
  readonly port: number;
  readonly host: string;
  readonly rpcUrl: string;
  readonly network: Network;
  readonly signerKeys: readonly Hex[];
  /** PostgreSQL; else an embedded database in `dataDir`; else one in memory, which forgets everything at the end. */
  readonly databaseUrl: string | undefined;
  readonly dataDir: string | undefined;
  readonly payTo: readonly Address[] | undefined;
  readonly maxValidBeforeSeconds: number;
  readonly settleTimeoutMs: number;
  readonly pollMs: number;
  readonly maxBatch: number;
  readonly maxInFlight: number;
  readonly confirmations: number;
  readonly logLevel: string;
}

/** A variable of the environment that is missing or wrong. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const whole = (min: number, max: number, otherwise: number) => z.coerce.number().int().min(min).max(max).default(otherwise);
const list = (text: string) => text.split(',').map((part) => part.trim()).filter((part) => part !== '');
const key = z.custom<Hex>((value) => typeof value === 'string' && /^0x[0-9a-fA-F]{64}$/.test(value), 'must be 32 bytes of hex');
const known = networks.map(({ name }) => name).join(', ');

const schema = z
  .object({
    PORT: whole(0, 65_535, 3102),
    HOST: z.string().default('0.0.0.0'),
    RPC_URL: z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' }),
    SIGNER_KEYS: z.string().transform(list).pipe(z.array(key).min(1, 'must hold a private key').max(32)),
    NETWORKS: z
      .string()
      .default('base-sepolia')
      .transform((text) => list(text).map(findNetwork))
      .refine((found) => found.length === 1 && found[0], `must be one of ${known}`),
    DATABASE_URL: z.string().optional(),
    DATA_DIR: z.string().optional(),
    ALLOW_MAINNET: z.enum(['true', 'false']).default('false'),
    PAYTO: z.string().transform(list).pipe(z.array(addressSchema).min(1)).optional(),
    MAX_VALID_BEFORE_SECONDS: whole(10, 31_536_000, 3_600),
    SETTLE_TIMEOUT_MS: whole(100, 600_000, 25_000),
    POLL_MS: whole(10, 60_000, 100),
    MAX_BATCH: whole(1, 200, 50),
    MAX_IN_FLIGHT: whole(1, 100_000, 2_000),
    CONFIRMATIONS: whole(1, 1_000, 1),
    LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  })
  .refine((env) => !env.NETWORKS[0]?.mainnet || env.ALLOW_MAINNET === 'true', {
    path: ['NETWORKS'],
    message: 'names a network with real money: set ALLOW_MAINNET=true if you mean it',
  });

/** Reads the environment. @throws ConfigError naming the variable, never its value */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = schema.safeParse({ SIGNER_KEYS: present['SIGNER_KEY'], ...present });
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const name = String(issue?.path[0] ?? 'environment');
    throw new ConfigError(present[name] === undefined && name !== 'NETWORKS' ? `${name} is missing.` : `${name} ${issue?.message}.`);
  }
  const { data } = parsed;
  return {
    port: data.PORT,
    host: data.HOST,
    rpcUrl: data.RPC_URL,
    network: data.NETWORKS[0] as Network,
    signerKeys: data.SIGNER_KEYS,
    databaseUrl: data.DATABASE_URL,
    dataDir: data.DATA_DIR,
    payTo: data.PAYTO,
    maxValidBeforeSeconds: data.MAX_VALID_BEFORE_SECONDS,
    settleTimeoutMs: data.SETTLE_TIMEOUT_MS,
    pollMs: data.POLL_MS,
    maxBatch: data.MAX_BATCH,
    maxInFlight: data.MAX_IN_FLIGHT,
    confirmations: data.CONFIRMATIONS,
    logLevel: data.LOG_LEVEL,
  };
}
