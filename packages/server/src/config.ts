import { z } from 'zod';

/** What the process is told by its environment, checked. */
export interface Config {
  readonly production: boolean;
  /** 0: any free port. */
  readonly port: number;
  readonly host: string;
  /** PostgreSQL; without it an embedded one runs in `dataDir`, or in memory. */
  readonly databaseUrl: string | undefined;
  readonly dataDir: string | undefined;
  /** Redis; without it tracker and rate limits live in this process. */
  readonly redisUrl: string | undefined;
  /** Signs payment tokens. Absent only with the embedded database, which keeps or generates one. */
  readonly jwtSecret: string | undefined;
  /** Keys the hashes of stored credentials; derived from the token secret when absent. */
  readonly keyPepper: string | undefined;
  readonly adminKey: string | undefined;
  /** Origin of absolute URLs and issuer of tokens; the address listened on when absent. */
  readonly publicBaseUrl: string | undefined;
  /** Number of proxies in front whose X-Forwarded-For is believed. */
  readonly trustProxyHops: number;
  readonly tokenTtlSeconds: number;
  readonly defaultSlaSeconds: number;
  readonly rateLimit: { readonly perMinute: number; readonly burst: number };
  /** Whether the test faucet gives money. */
  readonly sandbox: boolean;
  readonly logLevel: string;
}

/** The environment is wrong; each fault is one sentence. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(readonly faults: readonly string[]) {
    super(faults.join('\n'));
  }
}

const secret = z
  .string()
  .min(32, 'must have at least 32 characters')
  .refine(
    (value) => !/replace-with|changeme|change-me/i.test(value),
    'is still the placeholder of an example',
  )
  .refine((value) => new Set(value).size >= 8, 'is too uniform to be a secret');

function whole(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,10}$/, error)
    .transform(Number)
    .pipe(z.number().min(min, error).max(max, error));
}

function url(...protocols: string[]) {
  const shown = protocols.map((protocol) => `${protocol}//`).join(' or ');
  const matches = (value: string) => URL.canParse(value) && protocols.includes(new URL(value).protocol);
  return z.string().refine(matches, `must be a URL that starts with ${shown}`);
}

const flag = z
  .enum(['true', 'false'], { error: 'must be true or false' })
  .transform((value) => value === 'true');
const port = whole(0, 65_535);

const Environment = z.object({
  NODE_ENV: z.string().optional(),
  PORT: port.optional(),
  HOST: z
    .string()
    .regex(/^[\w.:-]+$/, 'must be a host name or an address')
    .optional(),
  DATABASE_URL: url('postgres:', 'postgresql:').optional(),
  DATA_DIR: z.string().optional(),
  REDIS_URL: url('redis:', 'rediss:').optional(),
  JWT_SECRET: secret.optional(),
  KEY_PEPPER: secret.optional(),
  ADMIN_KEY: secret.optional(),
  PUBLIC_BASE_URL: url('http:', 'https:').optional(),
  TRUST_PROXY_HOPS: whole(0, 10).optional(),
  TOKEN_TTL_SECONDS: whole(1, 86_400).optional(),
  DEFAULT_SLA_SECONDS: whole(1, 86_400).optional(),
  RATE_LIMIT_PER_MINUTE: whole(1, 1_000_000).optional(),
  RATE_LIMIT_BURST: whole(1, 1_000_000).optional(),
  SANDBOX: flag.optional(),
  ALLOW_SINGLE_NODE: flag.optional(),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], { error: 'must be a pino level' })
    .optional(),
  PUBLIC_DEMO_MODE: flag.optional(),
  PUBLIC_DEMO_SANDBOX_ONLY: flag.optional(),
  PUBLIC_DEMO_ALLOWED_ORIGINS: z.string().optional(),
  PUBLIC_DEMO_ADMIN_TOKEN: secret.optional(),
});
type Environment = z.output<typeof Environment>;

/**
 * Reads the environment. Empty variables count as absent.
 * @throws ConfigError with every fault found
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    // The last issue of a variable is overwritten by its first: one sentence each.
    const first = new Map(
      parsed.error.issues
        .reverse()
        .map((issue) => [issue.path[0], `${issue.path.join('.')} ${issue.message}.`]),
    );
    throw new ConfigError([...first.values()].reverse());
  }
  const values = parsed.data;
  const production = values.NODE_ENV === 'production';
  const faults = [...storageFaults(values), ...(production ? productionFaults(values) : [])];
  if (faults.length > 0) throw new ConfigError(faults);
  return {
    production,
    port: values.PORT ?? 3100,
    host: values.HOST ?? (production ? '0.0.0.0' : '127.0.0.1'),
    databaseUrl: values.DATABASE_URL,
    dataDir: values.DATA_DIR,
    redisUrl: values.REDIS_URL,
    jwtSecret: values.JWT_SECRET,
    keyPepper: values.KEY_PEPPER,
    adminKey: values.ADMIN_KEY,
    publicBaseUrl: values.PUBLIC_BASE_URL?.replace(/\/+$/, ''),
    trustProxyHops: values.TRUST_PROXY_HOPS ?? 0,
    tokenTtlSeconds: values.TOKEN_TTL_SECONDS ?? 300,
    defaultSlaSeconds: values.DEFAULT_SLA_SECONDS ?? 60,
    rateLimit: { perMinute: values.RATE_LIMIT_PER_MINUTE ?? 1200, burst: values.RATE_LIMIT_BURST ?? 200 },
    sandbox: values.SANDBOX ?? (!production || values.PUBLIC_DEMO_MODE === true),
    logLevel: values.LOG_LEVEL ?? 'info',
  };
}

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
  if (!values.DATABASE_URL)
    faults.push('DATABASE_URL is missing; production does not run on the embedded database.');
  if (values.TRUST_PROXY_HOPS === undefined)
    faults.push('TRUST_PROXY_HOPS is missing; give the number of proxies in front, 0 for none.');
  if (!values.REDIS_URL && !values.ALLOW_SINGLE_NODE) {
    faults.push('REDIS_URL is missing; set ALLOW_SINGLE_NODE=true to run a single node without it.');
  }
  return [...faults, ...demoFaults(values)];
}

function demoFaults(values: Environment): string[] {
  const faults: string[] = [];
  const origins = (values.PUBLIC_DEMO_ALLOWED_ORIGINS ?? '')
    .split(',')
    .filter((origin) => origin.trim() !== '');
  if (origins.some((origin) => !origin.trim().startsWith('https://'))) {
    faults.push('PUBLIC_DEMO_ALLOWED_ORIGINS has an origin that does not start with https://.');
  }
  if (!values.PUBLIC_DEMO_MODE) return faults;
  if (!values.PUBLIC_DEMO_ADMIN_TOKEN) {
    faults.push('PUBLIC_DEMO_ADMIN_TOKEN is missing; PUBLIC_DEMO_MODE needs at least 32 random characters.');
  }
  if (!values.PUBLIC_DEMO_SANDBOX_ONLY) faults.push('PUBLIC_DEMO_MODE needs PUBLIC_DEMO_SANDBOX_ONLY=true.');
  return faults;
}
