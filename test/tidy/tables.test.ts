import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const CORE = fileURLToPath(new URL('../../../packages/core/src/', import.meta.url));
/** Where a table is written by SQL, or described for `table()` to write. */
const WRITES = [
  /\b(?:insert into|delete from|(?<!for |key |do )update)\s+([a-z_]+)/g,
  /\btable<[^>]*>\(\s*'([a-z_]+)'/g,
];

const slices = readdirSync(CORE, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const filesOf = (slice: string) =>
  readdirSync(`${CORE}${slice}`)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => ({ slice, file, text: readFileSync(`${CORE}${slice}/${file}`, 'utf8') }));
const isMigration = ({ file }: { file: string }) => file.startsWith('migrations');
const named = (text: string, pattern: RegExp) =>
  [...text.matchAll(pattern)].map(([, name]) => name as string);

describe('tables of core', () => {
  it('each is written by the slice alone whose migrations create it', () => {
    const files = slices.flatMap(filesOf);
    const owners = new Map<string, string>();
    for (const { slice, text } of files.filter(isMigration))
      for (const name of named(text, /create table ([a-z_]+)/g)) owners.set(name, slice);
    const writes = files
      .filter((each) => !isMigration(each))
      .flatMap(({ slice, file, text }) =>
        WRITES.flatMap((pattern) => named(text, pattern)).map((name) => ({ slice, file, name })),
      )
      .filter(({ name }) => owners.has(name));
    expect(new Set(writes.map(({ name }) => name)).size).toBeGreaterThan(20);
    expect(
      writes
        .filter(({ slice, name }) => owners.get(name) !== slice)
        .map(({ slice, file, name }) => `${slice}/${file} writes ${name} of ${owners.get(name)}`),
    ).toEqual([]);
  });
});
