import { createServer, type AddressInfo } from 'node:net';
import { connectRedis } from './connectRedis.js';
import { redisStore } from './redisStore.js';

/** A port of loopback on which nothing listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('connectRedis', () => {
  it.each(['', 'localhost:6379', 'http://localhost:6379', 'redis://'])('refuses %p as a URL', async (url) => {
    await expect(connectRedis(url)).rejects.toThrow('must begin with redis:// or rediss://');
  });

  it('comes up while Redis is away, says so once, and rejects commands at once', async () => {
    const lines: string[] = [];
    const port = await closedPort();
    const redis = await connectRedis(`redis://:secret@127.0.0.1:${port}`, {
      commandTimeoutMs: 100,
      log: (line) => lines.push(line),
    });
    try {
      const start = performance.now();
      await expect(redisStore(redis).get('x')).rejects.toThrow();
      expect(performance.now() - start).toBeLessThan(1000);
    } finally {
      redis.disconnect();
    }
    expect(lines).toEqual([`Redis is away: connect ECONNREFUSED 127.0.0.1:${port}.`]);
  });

  it('gives up on a server that accepts and never answers', async () => {
    const server = createServer((socket) => void socket.resume());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const redis = await connectRedis(`redis://127.0.0.1:${port}`, {
      commandTimeoutMs: 100,
      connectTimeoutMs: 200,
    });
    try {
      await expect(redisStore(redis).get('x')).rejects.toThrow();
    } finally {
      redis.disconnect();
      server.close();
    }
  });
});
