import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { makeFolder } from './makeFolder.js';
import { pgliteDb } from './pgliteDb.js';

/**
 * Puts a new embedded database into each folder that has none, as a copy of a prepared one: a database takes seconds to make and a
 * moment to copy. The prepared one is kept in `cache`, for each version of PGlite, and made when it is missing.
 * @throws Error when a folder cannot be written; `pgliteDb` makes its own then
 */
export async function fillFromPrepared(dirs: readonly string[], cache: string): Promise<void> {
  const empty = dirs.filter((dir) => !existsSync(join(dir, 'postgres')));
  if (empty.length === 0) return;
  const prepared = await prepare(cache);
  await Promise.all(
    empty.map(async (dir) => {
      makeFolder(dir);
      // The name of a database that is not whole yet: pgliteDb makes such a one anew.
      const unfinished = join(dir, 'postgres.new');
      rmSync(unfinished, { recursive: true, force: true });
      await cp(prepared, unfinished, { recursive: true });
      renameSync(unfinished, join(dir, 'postgres'));
    }),
  );
}

async function prepare(cache: string): Promise<string> {
  const prepared = join(cache, `pglite-${pgliteVersion()}`);
  if (existsSync(prepared)) return join(prepared, 'postgres');
  const unfinished = `${prepared}.${process.pid}`;
  rmSync(unfinished, { recursive: true, force: true });
  await (await pgliteDb({ dir: unfinished })).close();
  try {
    renameSync(unfinished, prepared);
  } catch (error) {
    // Another process was faster.
    rmSync(unfinished, { recursive: true, force: true });
    if (!existsSync(prepared)) throw error;
  }
  return join(prepared, 'postgres');
}

function pgliteVersion(): string {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite');
  const manifest = readFileSync(new URL('../package.json', pathToFileURL(entry)), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
