import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createApiClient } from '@agentpay/sdk';
import { eventually, freePort, spawned, type Spawned } from '@agentpay/testing';
import { Client } from 'pg';

/** The scripts of the repository one after the other, as somebody types them who keeps a database of their own. */
const root = fileURLToPath(new URL('../../..', import.meta.url));
const { scripts, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
  devDependencies: Record<string, string>;
};
/** On a busy machine the stack takes minutes to start. */
const START_MS = 300_000;
const folder = mkdtempSync(join(tmpdir(), 'agentpay-terminal-'));
let database = '';

beforeAll(async () => {
  // PostgreSQL runs as another user where we are root.
  chmodSync(folder, 0o711);
  database = `postgres://agentpay@127.0.0.1:${await freePort()}/agentpay`;
});
afterAll(async () => {
  await ended('db:down');
  rmSync(folder, { recursive: true, force: true });
});

/** `npm run name -- args` in a folder of its own. */
function run(name: string, env: Record<string, string>, ...args: string[]): Spawned {
  const [, script = ''] = /^exec node (.+)$/.exec(scripts[name] as string) ?? [];
  const [file = '', ...words] = script.split(' ');
  return spawned(process.execPath, [join(root, file), ...words, ...args], {
    cwd: folder,
    env: { ...process.env, DATABASE_URL: '', REDIS_URL: '', ...env },
  });
}

async function ended(
  name: string,
  env: Record<string, string> = { DATABASE_URL: database },
): Promise<string> {
  const program = run(name, env);
  const { code } = await program.ended;
  expect({ name, code, output: program.output() }).toMatchObject({ code: 0 });
  return program.output();
}

it('npm knows every version that the root asks for, so that `npm install` works', () => {
  expect(Object.values(devDependencies).filter((version) => !/^\d/.test(version))).toEqual([]);
});

it('without DATABASE_URL there is nothing to start', async () => {
  expect(await ended('db:up', {})).toContain('The embedded database needs no start');
});

it('db:up, migrate, seed and dev work on one PostgreSQL, and may be run again', async () => {
  expect(await ended('db:up')).toContain('PostgreSQL was started at 127.0.0.1');
  expect(await ended('db:up')).toContain('PostgreSQL answers at 127.0.0.1');
  expect(await ended('migrate')).toContain('The database is up to date.');
  const client = new Client({ connectionString: database });
  await client.connect();
  expect((await client.query('select count(*)::int as n from agents')).rows).toEqual([{ n: 0 }]);
  await client.end();
  const seeded = await ended('seed');
  expect(await ended('seed')).toContain('The demo data is there already.');
  const dev = run('dev', { DATABASE_URL: database }, '--port', '0');
  try {
    const [, url = ''] = await dev.line(/^API +(http:\S+)$/, START_MS);
    const [, key = '', wallet = ''] = /^Demo buyer .* key (\S+) +wallet (\S+)/m.exec(seeded) ?? [];
    const api = createApiClient({ url, apiKey: key });
    expect(await api.wallets.balance({ wallet_id: wallet })).toMatchObject({ available: 100_000_000n });
    const { services, total } = await api.services.list({ category: 'demo' });
    expect(total).toBe(3);
    const [{ id: service_id } = { id: '' }] = services;
    expect(await api.services.authorize({ service_id, from_wallet_id: wallet })).toMatchObject({
      service_id,
    });
    // The folder is in use: nobody else changes it.
    const seed = run('seed', { DATABASE_URL: database });
    expect((await seed.ended).code).toBe(2);
    expect(seed.output()).toContain('is in use by process');
  } finally {
    await dev.kill('SIGTERM');
    await eventually(() => expect(dev.output()).not.toContain('could not be removed'));
  }
});
