import { posix } from 'node:path';
import { importsOf, isTest, paths, read } from './sources.js';

/** Which packages a package may import. Everything imports primitives, which stands on nothing. */
const graph: Record<string, readonly string[]> = {
  primitives: [],
  solidity: [],
  protocol: ['primitives'],
  evm: ['primitives', 'protocol'],
  facilitator: ['primitives', 'protocol', 'evm', 'storage', 'tracker', 'http'],
  paywall: ['primitives', 'protocol'],
  tracker: ['primitives'],
  storage: ['primitives'],
  http: ['primitives'],
  core: ['primitives', 'protocol'],
  api: ['primitives'],
  sdk: ['primitives', 'protocol', 'api'],
  mcp: ['primitives', 'protocol', 'api', 'sdk', 'paywall'],
  dashboard: ['primitives', 'api', 'sdk'],
};
graph['server'] = [...Object.keys(graph), 'server'];
// It brings a local chain, which the server must not.
graph['dev'] = ['primitives', 'protocol', 'solidity', 'storage', 'sdk', 'http'];
// The command line: what stands behind its commands.
const behind = ['facilitator', 'mcp', 'server', 'dev'];
graph['cli'] = ['primitives', 'protocol', 'api', 'core', 'http', 'paywall', 'sdk', ...behind];
graph['testing'] = Object.keys(graph);

const code = paths.filter((path) => /^(packages\/[^/]+\/src|examples|test)\/.*\.tsx?$/.test(path));
const names = [
  ...new Set(paths.flatMap((path) => /^packages\/([^/]+)\/package\.json$/.exec(path)?.[1] ?? [])),
];

/** Programs that run at build time only. */
const buildPrograms = ['packages/solidity/src/compile.ts'];

/** Tests and what only they run on. */
const isTested = (path: string) => /\.test\.(\w+\.)*tsx?$/.test(path);

const packageOf = (path: string) => /^packages\/([^/]+)\//.exec(path)?.[1];
const folderOf = (path: string) => /^(packages\/[^/]+|examples\/[^/]+|test)\//.exec(path)?.[1] as string;
const workspacePackage = (from: string) => /^@agentpay\/([^/]+)/.exec(from)?.[1];
const sliceOf = (path: string) => /^packages\/core\/src\/([^/]+)\//.exec(path)?.[1];

const projects = [...new Set(code.map(folderOf))].sort();
/** Packages that a project runs as processes, or whose files it reads, instead of importing them. */
const foundBy: Record<string, readonly string[]> = {
  'packages/dev': ['example-paid-api', 'facilitator', 'server'],
  'packages/server': ['docs'],
};
/** Packages of texts: there is nothing to build. */
const texts = ['docs'];
/** The dashboard is bundled with what it imports, so that nothing of it is installed. */
const isBundled = (path: string) => path.startsWith('packages/dashboard/src/app/');

describe('the module graph', () => {
  it('knows every package', () => {
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !(name in graph))).toEqual([]);
  });

  it('has no package that imports one it may not', () => {
    const imports = code.flatMap((path) => importsOf(path).map((found) => ({ path, ...found })));
    expect(imports.length).toBeGreaterThan(100);
    const faults = imports.filter(({ path, from }) => {
      const importer = packageOf(path);
      const imported = workspacePackage(from);
      if (imported === undefined || imported === importer) return false;
      if (importer === undefined) return path.startsWith('examples/') && imported === 'testing';
      return !graph[importer]?.includes(imported);
    });
    expect(
      faults.map(
        ({ path, line, from }) => `${path}:${line}: may not import ${from}; see "The house" in AGENTS.md`,
      ),
    ).toEqual([]);
  });

  it('has no file that reaches into another package by a relative path', () => {
    const faults = code.flatMap((path) =>
      importsOf(path)
        .filter(
          ({ from }) =>
            from.startsWith('.') && folderOf(posix.join(posix.dirname(path), from)) !== folderOf(path),
        )
        .map(({ line, from }) => `${path}:${line}: import the package instead of ${from}`),
    );
    expect(faults).toEqual([]);
  });

  it('keeps each dialect of the paywall within rails/: the rest knows the list of them and what all have', () => {
    const rails = 'packages/paywall/src/rails/';
    const dialects = new Set(code.flatMap((path) => new RegExp(`^${rails}([^/]+)/`).exec(path)?.[1] ?? []));
    expect(dialects.size).toBeGreaterThan(3);
    const faults = code
      .filter((path) => path.startsWith('packages/paywall/src/') && !path.startsWith(rails))
      .flatMap((path) =>
        importsOf(path)
          .filter(({ from }) => {
            const found = posix.join(posix.dirname(path), from);
            return found.startsWith(rails) && dialects.has(found.slice(rails.length).split('/')[0] as string);
          })
          .map(({ line, from }) => `${path}:${line}: take it from the list in rails.ts instead of ${from}`),
      );
    expect(faults).toEqual([]);
  });

  it('has no package whose shipped code runs on something that is not among its dependencies', () => {
    const faults = code
      .filter((path) => packageOf(path) !== undefined && !isTested(path) && !buildPrograms.includes(path))
      .filter((path) => !isBundled(path))
      .flatMap((path) => {
        const manifest = JSON.parse(read(`${folderOf(path)}/package.json`)) as Record<
          string,
          Record<string, string> | undefined
        >;
        const allowed = {
          ...manifest['dependencies'],
          ...manifest['peerDependencies'],
          ...manifest['optionalDependencies'],
        };
        const own = `@agentpay/${packageOf(path)}`;
        return importsOf(path)
          .filter(({ from, typeOnly }) => !typeOnly && !/^(\.|node:|#)/.test(from))
          .filter(({ from }) => {
            const [scope, name] = from.split('/');
            const imported = from.startsWith('@') ? `${scope}/${name}` : (scope as string);
            return imported !== own && !(imported in allowed);
          })
          .map(
            ({ line, from }) =>
              `${path}:${line}: name ${from} in the dependencies of ${folderOf(path)}/package.json`,
          );
      });
    expect(faults).toEqual([]);
  });

  it.each(projects)(
    'builds %s after what it imports, and depends on nothing else of the workspace',
    (project) => {
      const parse = (file: string) => JSON.parse(read(`${project}/${file}`)) as Record<string, unknown>;
      const manifest = parse('package.json') as Record<string, Record<string, string> | undefined>;
      const { references = [] } = parse('tsconfig.json') as { references?: readonly { path: string }[] };
      const imported = code
        .filter((path) => path.startsWith(`${project}/`))
        .flatMap((path) => importsOf(path));
      const used = imported
        .flatMap(({ from }) => workspacePackage(from) ?? [])
        .filter((name) => `packages/${name}` !== project);
      // What lies inside is a part of the project that is compiled for another place, such as browsers.
      const referenced = references
        .filter(({ path }) => path.startsWith('../'))
        .map(({ path }) => path.replace(/^.*\/examples\//, 'example-').replace(/^.*\//, ''));
      const dependencies = Object.keys({ ...manifest['dependencies'], ...manifest['devDependencies'] });
      const needed = [...new Set([...used, ...(foundBy[project] ?? [])])].sort();
      expect(referenced.sort()).toEqual(needed.filter((name) => !texts.includes(name)));
      expect(dependencies.flatMap((name) => workspacePackage(name) ?? []).sort()).toEqual(needed);
    },
  );
});

/** The files of core that collect what slices declare, and where slices declare it. */
const declared: Record<string, readonly string[]> = {
  'packages/core/src/slices.ts': ['migrations.js', 'events.js', 'jobs.js'],
  'packages/core/src/Core.ts': ['settings.js', 'ports.js', 'ServiceLists.js', 'ProofsUnderWay.js'],
};

describe('the slices of core', () => {
  const slices = JSON.parse(read('packages/core/src/slices.json')) as Record<string, readonly string[]>;
  const files = code.filter((path) => path.startsWith('packages/core/src/'));

  it('are all in slices.json, and each has its door', () => {
    const folders = [...new Set(files.flatMap((path) => sliceOf(path) ?? []))];
    expect(folders.sort()).toEqual(Object.keys(slices).sort());
    expect(folders.filter((folder) => !files.includes(`packages/core/src/${folder}/index.ts`))).toEqual([]);
  });

  it('form no circle', () => {
    const placed = new Set<string>();
    const left = new Set(Object.keys(slices));
    for (let before = -1; before !== left.size;) {
      before = left.size;
      for (const slice of left) {
        if (!(slices[slice] ?? []).every((other) => other.includes('.') || placed.has(other))) continue;
        placed.add(slice);
        left.delete(slice);
      }
    }
    expect([...left]).toEqual([]);
  });

  it('call a guarded function of another slice only where slices.json allows it by name', () => {
    const guarded = [...new Set(Object.values(slices).flat())].filter((name) => name.includes('.'));
    expect(guarded).toContain('ledger.openHoldIn');
    // Whoever calls core from outside calls none of them either: server, command line, examples.
    const faults = code
      .filter((path) => !isTest(path) && !path.startsWith('test/'))
      .flatMap((path) => {
        const importer = sliceOf(path);
        const text = read(path);
        return guarded
          .map((name) => ({ name, slice: name.split('.')[0], verb: name.split('.')[1] as string }))
          .filter(({ slice, verb }) => slice !== importer && new RegExp(`\\b${verb}\\b`).test(text))
          .filter(({ name }) => !slices[importer ?? '']?.includes(name))
          .map(({ name }) => `${path}: ${name} is guarded; see slices.json`);
      });
    expect(faults).toEqual([]);
  });

  it('reach a slice only where slices.json allows it, and only through its index.ts', () => {
    const crossings = files.flatMap((path) =>
      importsOf(path).flatMap(({ line, from }) => {
        const target = posix.join(posix.dirname(path), from);
        const [importer, imported] = [sliceOf(path), from.startsWith('.') ? sliceOf(target) : undefined];
        if (imported === undefined || imported === importer) return [];
        // What slices declare is put together in one place each.
        if (declared[path]?.includes(posix.basename(target))) return [];
        return [
          { place: `${path}:${line}`, importer, imported, byDoor: target.endsWith(`/${imported}/index.js`) },
        ];
      }),
    );
    expect(crossings.length).toBeGreaterThan(10);
    const faults = crossings.filter(
      ({ importer, imported, byDoor }) =>
        !byDoor || (importer !== undefined && !slices[importer]?.includes(imported)),
    );
    expect(
      faults.map(
        ({ place, imported }) => `${place}: ${imported} is closed here; see slices.json and its index.ts`,
      ),
    ).toEqual([]);
  });
});
