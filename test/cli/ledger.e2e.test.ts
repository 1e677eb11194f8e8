import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Db } from '@agentpay/primitives';
import { pgDb } from '@agentpay/storage';
import { spawnNode, testDatabase, type TestDatabase } from '@agentpay/testing';
import { startNode } from '../stress/apiNode.js';
import { bundled } from '../stress/bundled.js';
import { buy, openShop, steps } from '../stress/shop.js';

const BIN = await bundled(fileURLToPath(new URL('../../../packages/server/dist/bin.js', import.meta.url)));

let database: TestDatabase;
let db: Db;

beforeAll(async () => {
  database = await testDatabase();
  db = pgDb({ url: database.url, max: 1 });
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

/** Runs `agentpay ledger verify` (or another command) on the database of the test; gives its exit code and what it printed. */
async function verify(command = 'verify'): Promise<{ code: number; printed: string }> {
  const env = {
    ...process.env,
    DATABASE_URL: database.url,
    REDIS_URL: '',
    JWT_SECRET: 'k3vX9mQ2pL7wR4tY8uZ1aB5cD6eF0gH_',
  };
  const run = promisify(execFile)(process.execPath, [BIN, 'ledger', command], { env });
  return run.then(
    ({ stdout }) => ({ code: 0, printed: stdout }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      code: error.code,
      printed: error.stdout + error.stderr,
    }),
  );
}

describe('agentpay ledger verify', () => {
  it('finds the books of a shop right, and names the first journal that somebody tampered with', async () => {
    const node = await startNode({ database: database.url });
    const shop = await openShop(node);
    for (let sale = 0; sale < 3; sale++) await buy(node, shop, steps.length);
    await node.kill();
    expect(await verify()).toEqual({ code: 0, printed: 'The books are right.\n' });

    const journals = await db.query<{ id: string; number: bigint }>(
      `select id, number from ledger_journals where kind = 'token.capture' order by created_at, number`,
    );
    const [first] = journals;
    expect(journals).toHaveLength(3);
    await db.exec('alter table ledger_postings disable trigger user');
    await db.query('update ledger_postings set amount = amount * 2 where journal = any($1)', [
      journals.map(({ number }) => number),
    ]);
    const { code, printed } = await verify();
    expect(code).toBe(1);
    expect(printed.split('\n')[0]).toMatch(`Journal ${first?.id} (`);
    expect(printed).toMatch(/balance_differs: w:wallet_/);
  });
});

describe('agentpay ledger reconcile', () => {
  it('says when every custody account agrees, and names one that its chain cannot be asked about', async () => {
    expect(await verify('reconcile')).toMatchObject({ code: 0 });
    const [chain] = await db.query<{ id: number }>('select min(id) as id from ledger_chains');
    await db.query(`insert into ledger_totals values ($1, 'custody:base:usdc', 'USDC', -7)`, [
      chain?.id ?? 0,
    ]);
    const { code, printed } = await verify('reconcile');
    expect([code, printed]).toEqual([
      1,
      'custody:base:usdc: the books have 7 USDC; its chain could not be asked.\n',
    ]);
  });
});

it.each(['ledger verify', 'ledger reconcile', 'keys rotate-master'])(
  'agentpay %s finds nothing in order where no database is named',
  async (command) => {
    const env = { DATABASE_URL: '', DATA_DIR: '', REDIS_URL: '', NODE_ENV: '' };
    const called = spawnNode(BIN, { args: command.split(' '), env });
    expect([(await called.ended).code, called.output()]).toEqual([
      2,
      expect.stringMatching(/^DATABASE_URL is missing, or DATA_DIR [^\n]+\n$/),
    ]);
  },
);
