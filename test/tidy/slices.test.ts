import { eventTypes, jobs, migrations, sealedColumns } from '@agentpay/core';
import { runtime } from '@agentpay/api';
import { pathToFileURL } from 'node:url';
import { paths, read, root } from './sources.js';

/** What a file of a slice declares, and where core collects it. */
const collected: Record<string, readonly [what: string, all: readonly unknown[]][]> = {
  'migrations.ts': [
    ['migrations', migrations],
    ['sealed', sealedColumns],
  ],
  'jobs.ts': [['jobs', jobs]],
};

type Declared = Readonly<Record<string, unknown>>;

const named = (file: string) =>
  paths.filter((path) => /^packages\/core\/src\/\w+\/[^/]+$/.test(path) && path.endsWith(`/${file}`));
const declaredBy = async (path: string): Promise<Declared> =>
  (await import(
    pathToFileURL(`${root}/${path.replace('/src/', '/dist/').replace(/\.ts$/, '.js')}`).href
  )) as Declared;

/** Types of events, by themselves or by name in an object. */
function eventTypesIn(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('name' in value && 'object' in value) return [value];
  return Object.values(value).flatMap(eventTypesIn);
}

describe('what the slices of core declare', () => {
  it.each(Object.entries(collected))('in %s is collected, and nothing else', async (file, kinds) => {
    const files = named(file);
    expect(files.length).toBeGreaterThan(10);
    for (const [what, all] of kinds) {
      const found: unknown[] = [];
      for (const path of files) {
        const declared = (await declaredBy(path))[what] as readonly unknown[] | undefined;
        if (what !== 'sealed') expect([path, declared]).toEqual([path, expect.any(Array)]);
        const left = (declared ?? []).filter((one) => !all.includes(one));
        expect([path, what, left]).toEqual([path, what, []]);
        found.push(...(declared ?? []));
      }
      expect(all.filter((one) => !found.includes(one))).toEqual([]);
      expect(new Set(all).size).toBe(all.length);
    }
  });

  it('in events.ts is collected, and nothing else', async () => {
    const found: unknown[] = [];
    for (const path of named('events.ts')) {
      const declared = eventTypesIn({ ...(await declaredBy(path)) });
      expect(declared.length).toBeGreaterThan(0);
      expect([path, declared.filter((one) => !eventTypes.includes(one as never))]).toEqual([path, []]);
      found.push(...declared);
    }
    expect(eventTypes.filter((one) => !found.includes(one))).toEqual([]);
    expect(new Set(eventTypes.map(({ name }) => name)).size).toBe(eventTypes.length);
  });

  it('as sealed is every column whose name says so', () => {
    const sealed = sealedColumns.map(({ table, column }) => `${table}.${column}`);
    const columns = migrations.flatMap(({ sql }) =>
      [...sql.matchAll(/create table (\w+) \(([^;]*)\n\);/g)].flatMap(([, table, body = '']) =>
        [...body.matchAll(/^ +(sealed_\w+) /gm)].map(([, column]) => `${table}.${column}`),
      ),
    );
    expect(columns.length).toBeGreaterThan(1);
    expect(columns.filter((column) => !sealed.includes(column))).toEqual([]);
  });
});

/** First cells of the rows of a table, without their quotes. */
function rowsUnder(heading: string): string[] {
  const text = read('packages/core/README.md');
  const start = text.indexOf(`| ${heading} |`);
  expect(start).toBeGreaterThan(0);
  const rows = text.slice(start).split('\n\n')[0]?.split('\n').slice(2) ?? [];
  return rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name as string),
  );
}

describe('the README of core', () => {
  it('lists every slice', () => {
    const slices = Object.keys(JSON.parse(read('packages/core/src/slices.json')) as object);
    expect(rowsUnder('slice | nouns').sort()).toEqual(slices.sort());
  });

  it('lists every kind of rule', () => {
    const { kind } = runtime.nouns.policies.create.body.shape;
    const kinds = kindsOf(read('packages/core/src/policies/Rule.ts'));
    expect(kinds).toEqual(expect.arrayContaining([...kind.options]));
    expect(rowsUnder('rule | refuses').sort()).toEqual(kinds.sort());
  });
});

/** Every kind that `RuleTerms` has. */
function kindsOf(text: string): string[] {
  const [terms = ''] = /export type RuleTerms =[^]*?;\n\n/.exec(text) ?? [];
  const bare = terms.replaceAll(/\/\*\*[^]*?\*\//g, '');
  return [...bare.matchAll(/kind:([\s|'\w]+)/g)].flatMap(([, union = '']) =>
    [...union.matchAll(/'(\w+)'/g)].map(([, name]) => name as string),
  );
}
