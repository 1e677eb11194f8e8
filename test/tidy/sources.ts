import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root folder of the workspace, seen from test/dist/tidy. */
export const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Every file that is in git or would be by `git add`, by its path from the root. */
export const paths: readonly string[] = execFileSync(
  'git',
  // a clone that belongs to another user, as in a container, is still to be read
  ['-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
  { cwd: root, encoding: 'utf8' },
)
  .split('\0')
  .filter((path) => path !== '' && existsSync(join(root, path)));

const texts = new Map<string, string>();

/** The text of one of {@link paths}. */
export function read(path: string): string {
  const known = texts.get(path);
  if (known !== undefined) return known;
  const text = readFileSync(join(root, path), 'utf8');
  texts.set(path, text);
  return text;
}

export const isCode = (path: string) => /\.(ts|tsx|mjs|js|sol|sh|py|css)$/.test(path);

export const isTest = (path: string) => /\.test\.tsx?$/.test(path);

/** Source of a package that is shipped. */
export const isShipped = (path: string) =>
  /^packages\/(?!testing\/)[^/]+\/src\/.+\.tsx?$/.test(path) && !isTest(path);

/** A module that a file names in an import, an export or a dynamic import. */
export interface Import {
  readonly line: number;
  readonly from: string;
  /** Erased by the compiler. */
  readonly typeOnly: boolean;
}

const IMPORT =
  /^(?:import|export)\b([^'"`;]*?)\bfrom\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm;

/** The imports of a file, in order. */
export function importsOf(path: string): Import[] {
  const text = read(path);
  return [...text.matchAll(IMPORT)].map((match) => ({
    line: text.slice(0, match.index).split('\n').length,
    from: (match[2] ?? match[3] ?? match[4]) as string,
    typeOnly: match[1]?.trimStart().startsWith('type ') ?? false,
  }));
}

/** Lines that match, as "path:line". */
export function linesOf(path: string, pattern: RegExp): string[] {
  return read(path)
    .split('\n')
    .flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1}`] : []));
}
