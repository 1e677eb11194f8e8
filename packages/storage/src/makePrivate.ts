import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Takes folder and files, all the way down, from everybody but their owner: PGlite makes its own for all the world to write. */
export function makePrivate(folder: string): void {
  chmodSync(folder, 0o700);
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isDirectory()) chmodSync(join(entry.parentPath, entry.name), 0o700);
    else if (entry.isFile()) chmodSync(join(entry.parentPath, entry.name), 0o600);
  }
}
