import { compareVersions, readVersion } from './Version.js';

describe('a semantic version', () => {
  it.each(['v1.0.0', '1.0.0', 'v0.0.1', 'v1.2.3-rc.1', 'v1.2.3+build.5', 'v10.20.30'])(
    '%s is one',
    (text) => {
      expect(readVersion(text)).toBe(text.startsWith('v') ? text : `v${text}`);
    },
  );

  it.each(['', 'v1', '1.0', 'v01.0.0', 'v1.0.0-', 'v1.0.0-01', 'latest', `v1.0.${'9'.repeat(80)}`])(
    '%j is none',
    (text) => expect(() => readVersion(text)).toThrow('semantic'),
  );

  it('has its place in the order of the specification', () => {
    const order = [
      'v0.9.9',
      'v1.0.0-alpha',
      'v1.0.0-alpha.1',
      'v1.0.0-alpha.beta',
      'v1.0.0-beta',
      'v1.0.0-beta.2',
      'v1.0.0-beta.11',
      'v1.0.0-rc.1',
      'v1.0.0',
      'v1.0.10',
      'v1.9.0',
      'v1.10.0',
    ];
    expect([...order].reverse().sort(compareVersions)).toEqual(order);
  });
});
