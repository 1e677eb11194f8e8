import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { freePort } from './freePort.js';
import { spawned, type Spawned } from './spawned.js';

/** A prefix of its own on the Redis of REDIS_URL. */
export interface TestRedis {
  readonly redis: Redis;
  readonly prefix: string;
  /** Removes every key that begins with the prefix and closes the connection. */
  close(): Promise<void>;
}

/** @throws Error when REDIS_URL is not set. */
export async function testRedis(): Promise<TestRedis> {
  const url = process.env['REDIS_URL'];
  if (!url) throw new Error('REDIS_URL is not set: run the tests by npm test.');
  const redis = new Redis(url, { maxRetriesPerRequest: 0 });
  const prefix = `test-${randomBytes(8).toString('hex')}`;
  return {
    redis,
    prefix,
    async close() {
      for await (const keys of redis.scanStream({ match: `${prefix}*`, count: 1000 }))
        if (keys.length > 0) await redis.del(...keys);
      await redis.quit();
    },
  };
}

/** A Redis server of the test's own, to be stopped, emptied and frozen. */
export interface RedisServer {
  readonly url: string;
  /** Ends it at once, as a crash would. */
  stop(): Promise<void>;
  /** Starts it again on the same port, empty. */
  start(): Promise<void>;
  /** Forgets all keys and scripts. */
  flush(): Promise<void>;
  /** Makes it hang with its connections open. */
  freeze(): void;
  thaw(): void;
}

/** Starts `redis-server`, which must be on the PATH, on loopback without persistence. */
export async function startRedis(): Promise<RedisServer> {
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let server: Spawned | undefined;
  async function start(): Promise<void> {
    server = spawned('redis-server', [
      '--port',
      `${port}`,
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
    ]);
    await server.line(/Ready to accept connections/);
  }
  await start();
  return {
    url,
    start,
    async stop() {
      await server?.kill();
    },
    async flush() {
      const redis = new Redis(url);
      await redis.flushall();
      await redis.script('FLUSH');
      await redis.quit();
    },
    freeze: () => void (server && process.kill(server.pid, 'SIGSTOP')),
    thaw: () => void (server && process.kill(server.pid, 'SIGCONT')),
  };
}
