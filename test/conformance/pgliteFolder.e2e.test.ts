import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pgliteDb, preparedDb, prepareEmptyDb } from '@agentpay/storage';

describe('the folder of an embedded database', () => {
  const modes = (folder: string) =>
    readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) => {
      const { mode } = statSync(join(entry.parentPath, entry.name));
      return `${entry.isDirectory() ? 'folder' : 'file'} ${(mode & 0o777).toString(8)}`;
    });

  it('is read by its owner alone, whatever the umask, also with what was made since', async () => {
    const parent = mkdtempSync(join(tmpdir(), 'agentpay-modes-'));
    const dir = join(parent, 'data');
    const db = await pgliteDb({ dir });
    await db.exec(
      'create table notes (id int); insert into notes select generate_series(1, 1000); checkpoint',
    );
    const found = [...new Set(modes(parent))].sort();
    await db.close();
    rmSync(parent, { recursive: true, force: true });
    expect(found).toEqual(['file 600', 'folder 700']);
  });

  describe('of a process', () => {
    const folder = mkdtempSync(join(tmpdir(), 'agentpay-pglite-'));
    const dir = join(folder, 'data');
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it('keeps everything it committed when its process is killed, and starts over from a folder half made', async () => {
      mkdirSync(join(dir, 'postgres.new'), { recursive: true });
      writeFileSync(join(dir, 'postgres.new', 'PG_VERSION'), 'half a cluster');
      const committed = await writeUntilKilled(dir, 25);
      const db = await pgliteDb({ dir });
      const [row] = await db.query<{ count: bigint }>('select count(*) from notes');
      expect(row?.count).toBeGreaterThanOrEqual(BigInt(committed));
      await db.close();
    });

    it('lets one process have a folder at a time', async () => {
      const db = await pgliteDb({ dir });
      await expect(pgliteDb({ dir })).rejects.toThrow('Another process uses the data folder');
      await db.close();
      await (await pgliteDb({ dir })).close();
    });
  });

  describe('that starts as a copy of a prepared one', () => {
    const parent = mkdtempSync(join(tmpdir(), 'agentpay-prepared-'));
    const cache = join(parent, 'cache');
    const notes = { name: 'notes-1', sql: 'create table notes (id int)' };
    const marks = { name: 'marks-1', sql: 'create table marks (id int)' };
    const open = (name: string, migrations = [notes]) =>
      preparedDb({ dir: join(parent, name), cache, migrations });

    afterAll(() => rmSync(parent, { recursive: true, force: true }));

    it('has the tables and nothing of what the first one took in', async () => {
      await prepareEmptyDb(cache);
      const first = await open('first');
      await first.exec('insert into notes values (1)');
      const kept = readdirSync(cache);
      const second = await open('second');
      expect(await second.query('select id from notes')).toEqual([]);
      await second.exec('insert into notes values (2)');
      await Promise.all([first.close(), second.close()]);
      expect(readdirSync(cache)).toEqual(kept);
      expect(kept).toHaveLength(2);
    });

    it('is opened as it is when it is there, and migrated', async () => {
      const again = await open('first', [notes, marks]);
      expect(await again.query('select id from notes')).toEqual([{ id: 1 }]);
      expect(await again.query('select id from marks')).toEqual([]);
      await again.close();
    });

    it('is another one for other migrations', async () => {
      const third = await open('third', [notes, marks]);
      expect(await third.query('select id from marks')).toEqual([]);
      await third.close();
      expect(readdirSync(cache)).toHaveLength(3);
    });

    it('is one of six that are kept, the newest; those that nobody begins with any more go', async () => {
      const old = Array.from({ length: 8 }, (_, n) => join(cache, `embedded-0.0.${n}-0123456789abcdef`));
      for (const folder of old) {
        mkdirSync(folder);
        utimesSync(folder, 1_000, 1_000);
      }
      await (await open('fourth', [marks])).close();
      const left = readdirSync(cache).map((name) => join(cache, name));
      // The empty one, the three that were made here, and three of the old ones.
      expect([left.length, left.filter((folder) => old.includes(folder)).length]).toEqual([7, 3]);
      const fifth = await open('fifth', [marks]);
      expect(await fifth.query('select id from marks')).toEqual([]);
      await fifth.close();
    });
  });
});

/** Runs a process that commits row after row into the folder, kills it after `rows` of them, and gives how many it had reported. */
async function writeUntilKilled(dir: string, rows: number): Promise<number> {
  const program = `
    import { pgliteDb } from '@agentpay/storage';
    const db = await pgliteDb({ dir: process.argv[1] });
    await db.exec('create table notes (id int)');
    for (;;) {
      await db.tx((tx) => tx.query('insert into notes values (1)'));
      process.stdout.write('.');
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, dir], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let reported = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    reported += chunk.length;
    if (reported >= rows) child.kill('SIGKILL');
  });
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
  return reported;
}
