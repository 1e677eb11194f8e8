import { Redis } from 'ioredis';
import { limitWaits } from './limitWaits.js';

export interface RedisOptions {
  /** Longest wait for the response to one command, in ms. */
  readonly commandTimeoutMs?: number;
  /** Longest wait for a connection to be made, in ms. */
  readonly connectTimeoutMs?: number;
  /** Told once when Redis goes away, once when it is back, and if it may drop claims. */
  readonly log?: (line: string) => void;
}

const MAX_BACKOFF_MS = 2000;

/**
 * Connects to Redis (`redis://` or `rediss://`). Resolves when the connection is ready or the first attempt has failed: Redis being
 * away is told to `log`, and the connection mends itself. While Redis is away every command rejects at once, and no command
 * waits longer than `commandTimeoutMs`, not counting the time for which this process itself stands still. A command that was under
 * way when the connection broke rejects and is never sent again, because Redis may have done it.
 * @throws TypeError for a URL of another kind.
 */
export async function connectRedis(url: string, options: RedisOptions = {}): Promise<Redis> {
  const { commandTimeoutMs = 1000, connectTimeoutMs = 2000, log = () => {} } = options;
  if (!/^rediss?:\/\/./.test(url))
    throw new TypeError('The URL of Redis must begin with redis:// or rediss://.');
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: connectTimeoutMs,
    disconnectTimeout: commandTimeoutMs,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(50 * 2 ** (attempt - 1), MAX_BACKOFF_MS),
    reconnectOnError: becameReplica,
  });
  // A server that hangs with the connection open is treated as one that is away.
  limitWaits(redis, commandTimeoutMs);
  logChanges(redis, log);
  await redis.connect().catch(() => {}); // logChanges has told why
  return redis;
}

/** The primary became a replica: connect again to find the new one. Up to Redis 6 a script wraps what stopped it in a sentence. */
function becameReplica(error: Error): boolean {
  return /(^|[\s-])READONLY /.test(error.message);
}

function logChanges(redis: Redis, log: (line: string) => void): void {
  let up = true;
  let fault = 'the connection was closed';
  redis.on(
    'error',
    (error: Error) => (fault = error.message || (error as NodeJS.ErrnoException).code || error.name),
  );
  redis.on('reconnecting', () => {
    if (up) log(`Redis is away: ${fault}.`);
    up = false;
  });
  redis.on('ready', () => {
    if (!up) log('Redis is back.');
    up = true;
    fault = 'the connection was closed';
    void warnOfEviction(redis, log);
  });
}

/** A Redis that evicts keys may forget a claim, and a payment could then be used twice. */
async function warnOfEviction(redis: Redis, log: (line: string) => void): Promise<void> {
  const memory = await redis.info('memory').catch(() => '');
  const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1] ?? 'noeviction';
  const bounded = Number(/^maxmemory:(\d+)/m.exec(memory)?.[1] ?? 0) > 0;
  if (bounded && policy !== 'noeviction')
    log(`Redis evicts keys (${policy}) and may lose replay claims: set maxmemory-policy noeviction.`);
}
