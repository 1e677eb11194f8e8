import { existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes the folder, for its owner alone, and those above it that are missing. (Node's own `recursive` never ends below `/proc`.)
 * @throws Error with one sentence when it cannot be made
 */
export function makeFolder(folder: string): void {
  const missing: string[] = [];
  for (let path = resolve(folder); !existsSync(path) && path !== dirname(path); path = dirname(path))
    missing.unshift(path);
  try {
    for (const path of missing) make(path);
  } catch (cause) {
    throw new Error(`The folder ${folder} cannot be made: ${(cause as Error).message}.`, { cause });
  }
}

/** Another process may have made it since. */
function make(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
