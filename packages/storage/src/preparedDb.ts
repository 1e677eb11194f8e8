import { createHash } from 'node:crypto';
import { constants, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Db, Migration } from '@agentpay/primitives';
import { makeFolder } from './makeFolder.js';
import { migrate } from './migrate.js';
import { pgliteDb } from './pgliteDb.js';

/** Databases with tables that are kept: those of API and facilitator, now and a few changes ago; each is some 40 MB. */
const MOST_KEPT = 6;
const NAME = 'embedded';

export interface PreparedOptions {
  /** Folder of the database, made when absent. */
  readonly dir: string;
  /** Folder in which prepared databases are kept, for this and later starts. */
  readonly cache: string;
  readonly migrations: readonly Migration[];
}

/**
 * The embedded database of a folder, with these migrations done. Making a database and its tables takes seconds and copying one a moment,
 * so a folder that has none yet gets a copy of the one in `cache` that has these very migrations; the first start leaves it there.
 * A cache that cannot be used costs only the time.
 */
export async function preparedDb({ dir, cache, migrations }: PreparedOptions): Promise<Db> {
  const cluster = join(dir, 'postgres');
  const migrated = join(cache, `${prefix()}-${digest(migrations)}`);
  const isNew = !existsSync(cluster);
  if (isNew) await copyFirst([migrated, emptyOne(cache)], cluster).catch(() => undefined);
  const db = await pgliteDb({ dir });
  try {
    await migrate(db, migrations);
    if (isNew && !existsSync(migrated)) {
      // Nobody else has the database yet, so that its files stay as they are while they are copied.
      await db.exec('checkpoint');
      await keep(cluster, { migrated, cache }).catch(() => undefined);
    }
    return db;
  } catch (error) {
    await db.close();
    throw error;
  }
}

/**
 * Makes the empty database in `cache` that `preparedDb` begins with, unless it is there: once for several processes that start together.
 * @throws Error when the folder cannot be written
 */
export async function prepareEmptyDb(cache: string): Promise<void> {
  const prepared = emptyOne(cache);
  if (existsSync(prepared)) return;
  const made = `${prepared}.${process.pid}.making`;
  rmSync(made, { recursive: true, force: true });
  await (await pgliteDb({ dir: made })).close();
  place(join(made, 'postgres'), prepared);
  rmSync(made, { recursive: true, force: true });
}

async function copyFirst(sources: readonly string[], target: string): Promise<void> {
  const source = sources.find((folder) => existsSync(folder));
  if (source !== undefined) await copy(source, target);
}

async function keep(
  cluster: string,
  { migrated, cache }: { migrated: string; cache: string },
): Promise<void> {
  await copy(cluster, migrated);
  const folders = readdirSync(cache)
    .filter((name) => name.startsWith(NAME) && join(cache, name) !== emptyOne(cache))
    .map((name) => join(cache, name));
  const madeAt = new Map(folders.map((folder) => [folder, statSync(folder).mtimeMs]));
  const newestFirst = folders.sort((a, b) => (madeAt.get(b) as number) - (madeAt.get(a) as number));
  for (const folder of newestFirst.slice(MOST_KEPT)) rmSync(folder, { recursive: true, force: true });
}

/** A copy under another name first, so that a folder of the right name is always a whole one. */
async function copy(source: string, target: string): Promise<void> {
  const unfinished = `${target}.${process.pid}.copying`;
  makeFolder(dirname(target));
  try {
    await copyFolder(source, unfinished);
    place(unfinished, target);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** `cp` of Node asks the system six times about each file, which takes longer than copying it. */
async function copyFolder(source: string, target: string): Promise<void> {
  await mkdir(target, { mode: 0o700 });
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)];
    if (entry.isDirectory()) await copyFolder(from, to);
    else await copyFile(from, to, constants.COPYFILE_FICLONE);
  }
}

function place(unfinished: string, target: string): void {
  try {
    renameSync(unfinished, target);
  } catch (error) {
    // Another process was faster.
    if (!existsSync(target)) throw error;
  }
}

const emptyOne = (cache: string) => join(cache, prefix());

function prefix(): string {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite');
  const manifest = readFileSync(new URL('../package.json', pathToFileURL(entry)), 'utf8');
  return `${NAME}-${(JSON.parse(manifest) as { version: string }).version}`;
}

function digest(migrations: readonly Migration[]): string {
  const hash = createHash('sha256');
  for (const { name, sql } of migrations) hash.update(`${name}\n${sql}\n`);
  return hash.digest('hex').slice(0, 16);
}
