import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { CommandFault } from '@agentpay/http/commands';

/** Writes a file that its owner alone can read; with `isNew` never in place of another. @throws CommandFault */
export function writePrivate(file: string, text: string, { isNew = false } = {}): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    if (isNew) return writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
    writeFileSync(`${file}.new`, text, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'EEXIST' ? 'exists already' : `cannot be written (${code ?? 'unknown fault'})`;
    throw new CommandFault('file_unusable', `${file} ${why}.`, { cause });
  }
}

/** The text of a private file; undefined when there is none. @throws CommandFault when others can read it, too */
export function readPrivate(file: string): string | undefined {
  try {
    const { mode } = statSync(file);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new CommandFault('file_unusable', `${file} can be read by others; run: chmod 600 ${file}`);
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if (cause instanceof CommandFault) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new CommandFault('file_unusable', `${file} cannot be read (${code ?? 'unknown fault'}).`, {
      cause,
    });
  }
}
