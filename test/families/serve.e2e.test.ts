import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createLogger, migrations, readConfig, start } from '@agentpay/server';
import { scratchDb, type ScratchDb } from '@agentpay/storage';
import { eventually, spawnNode } from '@agentpay/testing';
import supertest from 'supertest';
import { bundled } from '../stress/bundled.js';

const BIN = await bundled(fileURLToPath(new URL('../../../packages/server/dist/bin.js', import.meta.url)));

/** Runs `agentpay serve` in an environment of its own. */
function serve(env: Record<string, string>, ...flags: string[]) {
  return spawnNode(BIN, {
    args: ['serve', ...flags],
    env: { NODE_ENV: '', DATABASE_URL: '', REDIS_URL: '', LOG_LEVEL: 'silent', ...env },
  });
}

const SECRET = { JWT_SECRET: 'k3vX9mQ2pL7wR4tY8uZ1aB5cD6eF0gH_' };
let database: ScratchDb;
/** Keeps the embedded database that the first folder gets for the others. */
let cache: string;
beforeAll(async () => {
  database = await scratchDb({ server: process.env['DATABASE_URL'] as string, migrations });
  cache = await mkdtemp(join(tmpdir(), 'agentpay-prepared-'));
});
afterAll(async () => {
  await database?.close();
  await rm(cache, { recursive: true, force: true });
});

describe('agentpay serve', () => {
  it.each([
    ['SIGTERM', 'without any setting', () => ({})],
    ['SIGINT', 'on PostgreSQL', () => ({ ...SECRET, DATABASE_URL: database.url })],
  ] as const)('prints its URL, serves, and ends with code 0 on %s, %s', async (signal, _how, settings) => {
    const server = serve({ PORT: '0', ...settings() });
    const [line, url] = await server.line(/^AgentPay API listens on (http:\/\/127\.0\.0\.1:\d+)$/);
    await supertest(url as string)
      .get('/readyz')
      .expect(200);
    await server.kill(signal);
    expect(await server.ended).toEqual({ code: 0, signal: null });
    expect(server.output()).toBe(`${line}\n`);
  });

  it('names a port that is taken in one sentence', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const server = serve({ PORT: String(port) });
    expect(await server.ended).toEqual({ code: 1, signal: null });
    taken.close();
    expect(server.output()).toBe(`Port ${port} is taken; give another one in PORT, or 0 for any free one.\n`);
  });

  it('names the fault of its environment, and no stack', async () => {
    const server = serve({ NODE_ENV: 'production', PORT: 'x' });
    expect(await server.ended).toEqual({ code: 2, signal: null });
    expect(server.output()).toBe('PORT must be a whole number from 0 to 65535.\n');
  });

  it('says so when the database is out of reach', async () => {
    const server = serve({ ...SECRET, DATABASE_URL: 'postgres://127.0.0.1:1/none' });
    expect(await server.ended).toEqual({ code: 1, signal: null });
    const message = 'AgentPay cannot start: No PostgreSQL listens at 127.0.0.1:1.';
    expect(server.output()).toBe(`${message}\n`);
    const asJson = serve({ ...SECRET, DATABASE_URL: 'postgres://127.0.0.1:1/none' }, '--json');
    expect(await asJson.ended).toEqual({ code: 1, signal: null });
    expect(JSON.parse(asJson.output())).toEqual({ ok: false, error: { code: 'start_failed', message } });
  });

  it('tells of a taken port before it opens a store', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const folder = join(tmpdir(), `agentpay-never-${port}`);
    const server = serve({ PORT: String(port), DATA_DIR: folder });
    expect(await server.ended).toEqual({ code: 1, signal: null });
    taken.close();
    expect(server.output()).toBe(`Port ${port} is taken; give another one in PORT, or 0 for any free one.\n`);
    expect(existsSync(folder)).toBe(false);
  });

  it('ends with a sentence when its folder cannot be made', async () => {
    const server = serve({ PORT: '0', DATA_DIR: '/proc/agentpay' });
    expect(await server.ended).toEqual({ code: 1, signal: null });
    expect(server.output()).toMatch(
      /^AgentPay cannot start: The folder \/proc\/agentpay cannot be made: .+\n$/,
    );
  });

  it('finishes the request under way when it is told to stop twice', async () => {
    const server = serve({ ...SECRET, PORT: '0', DATABASE_URL: database.url });
    const [, url] = await server.line(/^AgentPay API listens on (\S+)$/);
    // It has two seconds in the end, which is no time for the first request of a process, nor for the database of a busy machine.
    const body = '{"name":123}';
    await supertest(url as string)
      .post('/v1/agents')
      .set('content-type', 'application/json')
      .send(body)
      .expect(400);
    const { hostname, port } = new URL(url as string);
    const socket = connect(Number(port), hostname);
    let heard = '';
    socket.on('data', (chunk) => (heard += String(chunk)));
    socket.write(
      'POST /v1/agents HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 12\r\n\r\n',
    );
    await once(socket, 'data'); // 100 Continue: the request is under way
    process.kill(server.pid, 'SIGTERM');
    // It has heard of the first when it takes no more connections.
    await eventually(() => expect(fetch(`${url}/healthz`)).rejects.toThrow());
    process.kill(server.pid, 'SIGTERM');
    socket.write(body);
    await once(socket, 'close');
    expect(heard).toContain('HTTP/1.1 400 Bad Request');
    expect(heard).toMatch(/^connection: close\r$/im);
    expect(await server.ended).toEqual({ code: 0, signal: null });
  });
});

it('passes the body of a metered call on without holding it: 200 MB in less than 100 MB', async () => {
  const [MB, megabytes] = [1_000_000, 200];
  const seller = createHttpServer((request, response) => {
    const chunk = Buffer.alloc(MB);
    const body = function* () {
      for (let n = request.url === '/warm' ? 1 : megabytes; n > 0; n--) yield chunk;
    };
    Readable.from(body()).pipe(response);
  }).listen(0, '127.0.0.1');
  await once(seller, 'listening');
  const server = serve({ PORT: '0', OUTBOUND_LOOPBACK: 'true' });
  try {
    const [, url = ''] = await server.line(/^AgentPay API listens on (\S+)$/);
    const { path, auth } = await meteredCalls(
      url,
      `http://127.0.0.1:${(seller.address() as AddressInfo).port}`,
    );
    const take = async (what: string) => {
      let bytes = 0;
      const response = await fetch(`${url}${path}/${what}`, { headers: auth });
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) bytes += chunk.length;
      return bytes / MB;
    };
    // Linux tells the most that a process has held, in kB.
    const peak = async () => {
      const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
      return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1_000;
    };
    expect(await take('warm')).toBe(1);
    const before = await peak();
    expect(await take('whole')).toBe(megabytes);
    expect((await peak()) - before).toBeLessThan(100);
  } finally {
    await server.kill();
    seller.closeAllConnections();
    seller.close();
  }
}, 600_000);

/** An active agreement of two agents about a seller. */
async function meteredCalls(
  url: string,
  endpoint_url: string,
): Promise<{ path: string; auth: { authorization: string } }> {
  const http = supertest(url);
  const join = async (name: string) => {
    const { body } = await http.post('/v1/agents').send({ name }).expect(201);
    return { auth: { authorization: `Bearer ${body.api_key}` }, wallet: body.wallet_id as string };
  };
  const [buyer, seller] = [await join('Buyer'), await join('Seller')];
  const money = { amount: 5, source: 'test_faucet' };
  await http.post(`/v1/wallets/${buyer.wallet}/fund`).set(buyer.auth).send(money).expect(200);
  const offer = { name: 'Films', price_per_call: 0.01, endpoint_url };
  const { body: service } = await http.post('/v1/services').set(seller.auth).send(offer).expect(201);
  const proposal = { service_id: service.id, terms: {} };
  const { body } = await http.post('/usage-agreements').set(buyer.auth).send(proposal).expect(201);
  const at = `/usage-agreements/${body.agreement_id}`;
  await http.put(`${at}/accept`).set(seller.auth).send({}).expect(200);
  await http.post(`${at}/activate-escrow`).set(buyer.auth).send({}).expect(202);
  return { path: `/metered-proxy/${body.agreement_id}`, auth: buyer.auth };
}

describe('a server that is told to stop', () => {
  it('finishes the request under way and accepts no other', async () => {
    const config = readConfig({ ...SECRET, PORT: '0', DATABASE_URL: database.url });
    const running = await start(config, { log: createLogger('silent') });
    const { hostname, port } = new URL(running.url);
    const socket = connect(Number(port), hostname);
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString()));
    const body = '{"name":"A"}';
    const head =
      'POST /v1/agents HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n';
    socket.write(`${head}Content-Length: ${body.length}\r\n\r\n`);
    await once(socket, 'data'); // 100 Continue: the request is under way

    // Longer than any test may take: whoever is cut off at the end of the grace is too late.
    const closed = running.close(10 * 60_000);
    await eventually(() => expect(fetch(`${running.url}/healthz`)).rejects.toThrow());
    socket.write(body);
    await once(socket, 'close');
    await closed;
    expect(answer).toContain('HTTP/1.1 201 Created');
    await running.close();
  });
});

describe('a server with a data folder', () => {
  const openAt = (folder: string) =>
    start(readConfig({ PORT: '0', DATA_DIR: folder, DATABASE_CACHE: cache }), {
      log: createLogger('silent'),
    });

  it('keeps agents, money and the validity of tokens over a restart', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'agentpay-serve-'));
    const open = () => openAt(folder);
    let running = await open();
    try {
      const http = supertest(running.url);
      const { body: agent } = await http.post('/v1/agents').send({ name: 'Durable' }).expect(201);
      const auth = { authorization: `Bearer ${agent.api_key}` };
      await http
        .post(`/v1/wallets/${agent.wallet_id}/fund`)
        .set(auth)
        .send({ amount: 1, source: 'test_faucet' })
        .expect(200);
      const { body: service } = await http
        .post('/v1/services')
        .set(auth)
        .send({ name: 'Kept', price_per_call: 0.25 })
        .expect(201);
      const offer = `/v1/services/${service.id}/authorize`;
      const { body: bought } = await http
        .post(offer)
        .set(auth)
        .send({ from_wallet_id: agent.wallet_id })
        .expect(201);
      await running.close();

      running = await open();
      const again = supertest(running.url);
      await again.post('/v1/x402/verify').set(auth).send({ token: bought.token }).expect(200);
      const { body: balance } = await again
        .get(`/v1/wallets/${agent.wallet_id}/balance`)
        .set(auth)
        .expect(200);
      expect(balance).toMatchObject({ available: 0.75, held: 0.25 });
      expect((await stat(join(folder, 'secret'))).mode & 0o777).toBe(0o600);
    } finally {
      await running.close();
      await rm(folder, { recursive: true });
    }
  });

  it('does not start with another secret than its keys were made with, and says what to give back', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'agentpay-pepper-'));
    const open = () => openAt(folder);
    try {
      await (await open()).close();
      const kept = await readFile(join(folder, 'secret'));
      await rm(join(folder, 'secret'));
      await expect(open()).rejects.toThrow('the API keys in this database were made with another secret');
      await writeFile(join(folder, 'secret'), kept);
      await (await open()).close();
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
