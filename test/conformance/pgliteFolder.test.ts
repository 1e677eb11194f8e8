import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fillFromPrepared, pgliteDb } from '@agentpay/storage';

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

  it('is filled from a prepared one, which is made once, and is whole', async () => {
    const parent = mkdtempSync(join(tmpdir(), 'agentpay-prepared-'));
    const [cache, first, second] = ['cache', 'first', 'second'].map((one) => join(parent, one)) as [
      string,
      string,
      string,
    ];
    await fillFromPrepared([first, second], cache);
    const prepared = readdirSync(cache);
    for (const dir of [first, second]) {
      const db = await pgliteDb({ dir });
      await db.exec('create table notes (id int); insert into notes values (1)');
      await db.close();
    }
    await fillFromPrepared([first], cache);
    const db = await pgliteDb({ dir: first });
    expect(await db.query('select id from notes')).toEqual([{ id: 1 }]);
    await db.close();
    expect(readdirSync(cache)).toEqual(prepared);
    rmSync(parent, { recursive: true, force: true });
  });
});
