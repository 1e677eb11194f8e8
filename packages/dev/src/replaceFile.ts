import { renameSync, writeFileSync } from 'node:fs';

/** Writes a file that its owner alone can read, by rename: whoever reads it, or is killed meanwhile, has a whole one. */
export function replaceFile(file: string, content: string | Uint8Array): void {
  writeFileSync(`${file}.new`, content, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
