import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLogger, readConfig, start } from '@agentpay/server';
import supertest from 'supertest';

const BIN = fileURLToPath(new URL('../../../packages/server/dist/bin.js', import.meta.url));

/** Runs `agentpay serve`; resolves with its first line of output and a way to end it. */
function serve(env: Record<string, string>) {
  const child = spawn(process.execPath, [BIN, 'serve'], { env: { PATH: process.env['PATH'], LOG_LEVEL: 'silent', ...env } });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...output }));
  const line = new Promise<string>((resolve) => {
    child.stdout.on('data', () => output.stdout.includes('\n') && resolve(output.stdout));
    void ended.then(() => resolve(output.stdout));
  });
  return { child, ended, line };
}

describe('agentpay serve', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('prints its URL, serves, and ends with code 0 on %s', async (signal) => {
    const server = serve({ PORT: '0' });
    const url = /^AgentPay API listens on (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(await server.line)?.[1] as string;
    await supertest(url).get('/readyz').expect(200);
    server.child.kill(signal);
    expect(await server.ended).toMatchObject({ code: 0, stderr: '' });
  });

  it('names a port that is taken in one sentence', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const { code, stderr } = await serve({ PORT: String(port) }).ended;
    taken.close();
    expect([code, stderr]).toEqual([1, `Port ${port} is taken; give another one in PORT, or 0 for any free one.\n`]);
  });

  it('names every fault of its environment, and no stack', async () => {
    const { code, stderr } = await serve({ NODE_ENV: 'production', PORT: 'x' }).ended;
    expect([code, stderr]).toEqual([1, 'PORT must be a whole number from 0 to 65535.\n']);
  });

  it('says so when the database is out of reach', async () => {
    const env = { DATABASE_URL: 'postgres://127.0.0.1:1/none', JWT_SECRET: 'k3vX9mQ2pL7wR4tY8uZ1aB5cD6eF0gH_' };
    const { code, stderr } = await serve(env).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^AgentPay cannot start: .+\n$/);
  });
});

describe('a server with a data folder', () => {
  it('keeps agents, money and the validity of tokens over a restart', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'agentpay-serve-'));
    const open = () => start(readConfig({ PORT: '0', DATA_DIR: folder }), { log: createLogger('silent') });
    let running = await open();
    try {
      const { body: agent } = await supertest(running.url).post('/v1/agents').send({ name: 'Durable' }).expect(201);
      const auth = { authorization: `Bearer ${agent.api_key}` };
      const fund = { amount: 1, source: 'test_faucet' };
      await supertest(running.url).post(`/v1/wallets/${agent.wallet_id}/fund`).set(auth).send(fund).expect(200);
      const service = await supertest(running.url).post('/v1/services').set(auth).send({ name: 'Kept', price_per_call: 0.25 }).expect(201);
      const body = { from_wallet_id: agent.wallet_id };
      const { body: bought } = await supertest(running.url).post(`/v1/services/${service.body.id}/authorize`).set(auth).send(body).expect(201);
      await running.close();

      running = await open();
      await supertest(running.url).post('/v1/x402/verify').set(auth).send({ token: bought.token }).expect(200);
      const { body: balance } = await supertest(running.url).get(`/v1/wallets/${agent.wallet_id}/balance`).set(auth).expect(200);
      expect(balance).toMatchObject({ available: 0.75, held: 0.25 });
      expect((await stat(join(folder, 'secret'))).mode & 0o777).toBe(0o600);
    } finally {
      await running.close();
      await rm(folder, { recursive: true });
    }
  });
});
