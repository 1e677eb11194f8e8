import { isCode, paths, read } from './sources.js';

const MAX_LINES = 400;
const MAX_COLUMNS = 140;

const manifests = paths.filter((path) => path.endsWith('package.json'));

describe('files', () => {
  it(`have at most ${MAX_LINES} lines of at most ${MAX_COLUMNS} columns`, () => {
    const code = paths.filter(isCode);
    expect(code.length).toBeGreaterThan(100);
    const faults = code.flatMap((path) => {
      const lines = read(path).trimEnd().split('\n');
      const long = lines.flatMap((line, i) =>
        line.length > MAX_COLUMNS ? [`${path}:${i + 1}: break the line (${line.length})`] : [],
      );
      return lines.length > MAX_LINES
        ? [`${path}: ${lines.length} lines; split it by what it does`, ...long]
        : long;
    });
    expect(faults).toEqual([]);
  });

  it('are named after a noun of the product or the verb they hold', () => {
    const vague = /(^|\/)(utils?|helpers?|services|types?|common|misc)(\/|(\.test)?\.\w+$)/i;
    // services are also what agents buy
    const product = /^(packages\/(api|server|sdk)\/src|test)\/families\//;
    const faults = paths.filter((path) => isCode(path) && vague.test(path) && !product.test(path));
    expect(faults.map((path) => `${path}: name it after what it holds`)).toEqual([]);
  });

  it('include all suites that are said to take long', () => {
    const long = Object.keys(JSON.parse(read('test/longSuites.json')) as Record<string, number>);
    expect(long.length).toBeGreaterThan(20);
    expect(long.filter((path) => !paths.includes(path))).toEqual([]);
  });

  it('include a README for every package and the license', () => {
    const readmes = manifests
      .filter((path) => path.startsWith('packages/'))
      .map((path) => path.replace('package.json', 'README.md'));
    expect(readmes.length).toBeGreaterThan(10);
    expect(readmes.filter((path) => !paths.includes(path))).toEqual([]);
    expect(read('LICENSE')).toContain('Apache License');
  });

  it('name exact versions of what they depend on', () => {
    const exact = /^(\d+\.\d+\.\d+(-[\w.]+)?|catalog:|workspace:\*|npm:(@?[\w./-]+)@\d+\.\d+\.\d+)$/;
    const groups = ['dependencies', 'devDependencies', 'optionalDependencies'];
    const wanted = manifests.flatMap((path) => {
      const manifest = JSON.parse(read(path)) as Record<string, Record<string, string> | undefined>;
      return groups.flatMap((group) =>
        Object.entries(manifest[group] ?? {}).map(([name, version]) => ({ path, name, version })),
      );
    });
    expect(wanted.length).toBeGreaterThan(50);
    const loose = wanted.filter(({ version }) => !exact.test(version));
    expect(
      loose.map(({ path, name, version }) => `${path}: pin ${name} exactly instead of ${version}`),
    ).toEqual([]);
    const pins = read('pnpm-workspace.yaml')
      .split('\n')
      .filter((line) => /^ {2}\S+: /.test(line));
    expect(pins.length).toBeGreaterThan(10);
    expect(pins.filter((line) => !/: \d+\.\d+\.\d+$/.test(line))).toEqual([]);
  });
});
