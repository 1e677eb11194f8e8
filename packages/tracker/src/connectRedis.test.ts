import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Worker } from 'node:worker_threads';
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

/** A Redis that knows one script. */
function reply(command: string, toScript: string): string {
  if (/\beval(sha)?\b/i.test(command)) return toScript;
  return /\binfo\b/i.test(command) ? '$9\r\nloading:0\r\n' : '+OK\r\n';
}

/** A Redis with one key, in a thread of its own: it goes on while the others stand still. Tells when it has answered. */
const ANSWERING = `
const { createServer } = require('node:net');
const { parentPort, workerData } = require('node:worker_threads');
const reply = (command) => (/get/i.test(command) ? '$5\\r\\nvalue\\r\\n' : /info/i.test(command) ? '$9\\r\\nloading:0\\r\\n' : '+OK\\r\\n');
const server = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.on('data', (data) => {
    for (const command of String(data).match(/\\*\\d+\\r\\n(?:\\$\\d+\\r\\n[^\\r]*\\r\\n)+/g) ?? [])
      socket.write(reply(command), () => {
        if (!/\\bget\\b/i.test(command)) return;
        Atomics.store(workerData, 0, 1);
        Atomics.notify(workerData, 0);
      });
  });
});
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

describe('connectRedis', () => {
  it.each(['', 'localhost:6379', 'http://localhost:6379', 'redis://'])('refuses %p as a URL', async (url) => {
    await expect(connectRedis(url)).rejects.toThrow('must begin with redis:// or rediss://');
  });

  it('comes up while Redis is away, says so once, and rejects commands at once', async () => {
    const lines: string[] = [];
    const port = await closedPort();
    const redis = await connectRedis(`redis://:secret@127.0.0.1:${port}`, {
      commandTimeoutMs: 100_000,
      log: (line) => lines.push(line),
    });
    try {
      // Nothing but the refusal ends it before this test's own time is over.
      await expect(redisStore(redis).get('x')).rejects.not.toThrow('timed out');
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

  it('waits for a server, and not for itself: what came while this process stood still is read', async () => {
    const answered = new Int32Array(new SharedArrayBuffer(4));
    const server = new Worker(ANSWERING, { eval: true, workerData: answered });
    const [port] = (await once(server, 'message')) as [number];
    const lines: string[] = [];
    const log = (line: string) => void lines.push(line);
    const redis = await connectRedis(`redis://127.0.0.1:${port}`, { commandTimeoutMs: 100, log });
    try {
      const response = redis.get('key');
      // Until the response is there, and longer than a hanging server is given.
      Atomics.wait(answered, 0, 0, 60_000);
      const standStill = new Int32Array(new SharedArrayBuffer(4));
      Atomics.wait(standStill, 0, 0, 300);
      expect(await response).toBe('value');
    } finally {
      redis.disconnect();
      await server.terminate();
    }
    expect(lines).toEqual([]);
  });

  it.each([
    ['Redis 7', "-READONLY You can't write against a read only replica.\r\n"],
    [
      'Redis 7, in a script',
      "-READONLY You can't write against a read only replica. script: 0123, on @user_script:1.\r\n",
    ],
    [
      'Redis 6, in a script',
      '-ERR Error running script (call to f_0123): @user_script:2: @user_script: 2: ' +
        "-READONLY You can't write against a read only replica. \r\n",
    ],
  ])('connects again when the primary became a replica: %s', async (_name, refusal) => {
    let connections = 0;
    const server = createServer((socket) => {
      const replica = ++connections === 1;
      socket.on('error', () => undefined);
      socket.on('data', (data) => {
        for (const command of String(data).match(/\*\d+\r\n(?:\$\d+\r\n[^\r]*\r\n)+/g) ?? [])
          socket.write(reply(command, replica ? refusal : ':1\r\n'));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const lines: string[] = [];
    const log = (line: string) => void lines.push(line);
    const redis = await connectRedis(`redis://127.0.0.1:${port}`, { commandTimeoutMs: 100_000, log });
    try {
      const put = () => redisStore(redis).put('key', 'value', { expected: 0, ttlMs: 1_000 });
      await expect(put()).rejects.toThrow('READONLY');
      await once(redis, 'ready');
      expect(await put()).toBe(1);
      expect(connections).toBe(2);
    } finally {
      redis.disconnect();
      server.close();
    }
  });
});
