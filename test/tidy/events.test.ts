import { eventTypes } from '@agentpay/core';
import { paths, read } from './sources.js';

const sorted = (names: Iterable<string>) => [...new Set(names)].sort();
const matches = (text: string, pattern: RegExp) =>
  [...text.matchAll(pattern)].map(([, name]) => name as string);

describe('events', () => {
  const known = sorted(eventTypes.map(({ name }) => name));

  it('that a slice declares can be subscribed to', () => {
    const files = paths.filter((path) => /^packages\/core\/src\/\w+\/events\.ts$/.test(path));
    const declared = files.flatMap((path) => matches(read(path), /\beventType\('([\w.]+)'/g));
    expect(declared.length).toBeGreaterThan(50);
    expect(sorted(declared)).toEqual(known);
  });

  it('are all named by the guide, and none beside', () => {
    const rows = read('docs/webhooks.md')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.split('|')[1] as string);
    expect(sorted(rows.flatMap((row) => matches(row, /`([a-z_]+\.[a-z_]+)`/g)))).toEqual(known);
  });
});
