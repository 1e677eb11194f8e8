import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
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
