import { isShipped, paths, read } from './sources.js';

/** Modules of protocol that are seen as namespaces only: what they export is named with theirs. */
const namespaces = [
  ['packages/protocol/src/mpp/', 'mpp'],
  ['packages/protocol/src/x402/v1.ts', 'x402v1'],
  ['packages/protocol/src/x402/v2.ts', 'x402v2'],
] as const;

const isTestOnly = (path: string) => /\.(?:fixture|test\.support)\.tsx?$/.test(path);

const EXPORTED = /^export (?:abstract )?(?:interface|type|class) (\w+)/gm;

describe('exported types', () => {
  const places = new Map<string, string[]>();
  for (const path of paths.filter((one) => isShipped(one) && !isTestOnly(one))) {
    const [, namespace] = namespaces.find(([start]) => path.startsWith(start)) ?? [];
    for (const [, name = ''] of read(path).matchAll(EXPORTED)) {
      const full = namespace === undefined ? name : `${namespace}.${name}`;
      places.set(full, [...(places.get(full) ?? []), path]);
    }
  }
  const doubled = [...places].filter(([, where]) => where.length > 1);

  it('have one meaning for each name, in all packages', () => {
    expect(places.size).toBeGreaterThan(200);
    expect(doubled.map(([name, where]) => `${name}: ${where.join(', ')}`)).toEqual([]);
  });
});
