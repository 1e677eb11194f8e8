import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { publint } from 'publint';
import {
  filesOf,
  install,
  installed,
  node,
  npx,
  packAll,
  published,
  root,
  type Published,
  type Shelf,
} from './published.js';

const MIB = 1024 * 1024;
/** What a user of a package gets at most: bytes of all files, and packages, with all that it needs. */
const budgets: Record<Published, { readonly bytes: number; readonly packages: number }> = {
  primitives: { bytes: 0.2 * MIB, packages: 1 },
  protocol: { bytes: 10 * MIB, packages: 6 },
  api: { bytes: 8 * MIB, packages: 3 },
  sdk: { bytes: 11 * MIB, packages: 8 },
  paywall: { bytes: 12 * MIB, packages: 9 },
  // Most of it is the official SDK of the Model Context Protocol, which brings Express and Hono.
  mcp: { bytes: 30 * MIB, packages: 110 },
};

const projects = {} as Record<Published, string>;
let shelf: Shelf;

beforeAll(async () => {
  shelf = await packAll();
  for (const name of published) projects[name] = await install(shelf, name);
}, 600_000);
afterAll(() => shelf?.close());

const quoted = (name: Published) => JSON.stringify(`@agentpay/${name}`);

const manifestOf = (name: Published) =>
  JSON.parse(
    readFileSync(join(projects[name], 'node_modules/@agentpay', name, 'package.json'), 'utf8'),
  ) as Record<string, unknown>;

describe.each(published)('@agentpay/%s from its tarball, by npm', (name) => {
  it('names its licence, its source, the versions of Node it runs on, and exact versions of what it needs', () => {
    const { repository } = JSON.parse(readFileSync(root('package.json'), 'utf8')) as {
      repository: { url: string };
    };
    const manifest = manifestOf(name);
    expect(manifest).toMatchObject({
      name: `@agentpay/${name}`,
      license: 'Apache-2.0',
      type: 'module',
      sideEffects: false,
      engines: { node: '>=20.19' },
      repository: { type: 'git', url: repository.url, directory: `packages/${name}` },
    });
    expect(String(manifest['description']).length).toBeGreaterThan(20);
    const needed = Object.values((manifest['dependencies'] ?? {}) as Record<string, string>);
    expect(needed.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  it('has code, types, README and licence, and no stray files', () => {
    const files = filesOf(projects[name], name);
    expect(files).toEqual(
      expect.arrayContaining(['README.md', 'LICENSE', 'package.json', 'dist/index.js', 'dist/index.d.ts']),
    );
    const stray = files.filter(
      (file) => !/^(README\.md|LICENSE|package\.json|dist\/.+\.(js|d\.ts|css|html))$/.test(file),
    );
    expect(stray).toEqual([]);
    expect(files.filter((file) => /\.(test|fixture|bench)\./.test(file))).toEqual([]);
    const maps = files.filter((file) =>
      readFileSync(join(projects[name], 'node_modules/@agentpay', name, file), 'utf8').includes(
        'sourceMappingURL',
      ),
    );
    expect(maps).toEqual([]);
  });

  it('is small, with all that it needs', () => {
    const { bytes, packages } = installed(projects[name]);
    expect(packages).toContain(`@agentpay/${name}@${String(manifestOf(name)['version'])}`);
    const heavy =
      /^(viem|ox|pg|ioredis|express|@electric-sql\/pglite|@foundry-rs\/|@agentpay\/(core|server|evm))/;
    expect(
      packages.filter((one) => heavy.test(one) && !(name === 'mcp' && one.startsWith('express'))),
    ).toEqual([]);
    expect(bytes).toBeLessThan(budgets[name].bytes);
    expect(packages.length).toBeLessThanOrEqual(budgets[name].packages);
  });

  it('loads', async () => {
    const program = `console.log(Object.keys(await import(${quoted(name)})).length)`;
    expect(Number(await node(projects[name], '--input-type=module', '-e', program))).toBeGreaterThan(0);
  });

  it('gives publint nothing to say', async () => {
    const pkgDir = join(projects[name], 'node_modules/@agentpay', name);
    expect((await publint({ pkgDir, pack: false, strict: true })).messages).toEqual([]);
  });

  it('gives arethetypeswrong nothing to say (ESM only)', async () => {
    const cli = join(
      dirname(createRequire(import.meta.url).resolve('@arethetypeswrong/cli/package.json')),
      'dist/index.js',
    );
    // The profile passes over the two ways of old in which nobody imports an ESM package. It fails with what it finds.
    await node(shelf.folder, cli, shelf.tarballs[name], '--profile', 'esm-only', '--no-color');
  });

  it.each(['nodenext', 'bundler'])(
    'has types under %s',
    async (moduleResolution) => {
      const project = projects[name];
      const program = `import * as all from ${quoted(name)};\nexport type Names = keyof typeof all;\n`;
      writeFileSync(join(project, 'main.ts'), program + (samples[name] ?? ''));
      const compilerOptions = {
        moduleResolution,
        module: moduleResolution === 'nodenext' ? 'nodenext' : 'esnext',
        target: 'es2023',
        lib: ['es2023', 'dom', 'dom.iterable'],
        // A browser's project has no types of Node; a paywall and an MCP server stand in a server.
        types: moduleResolution === 'nodenext' || name === 'paywall' || name === 'mcp' ? ['node'] : [],
        typeRoots: [root('node_modules/@types')],
        strict: true,
        exactOptionalPropertyTypes: true,
        noEmit: true,
        skipLibCheck: moduleResolution === 'nodenext',
      };
      writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.ts'] }));
      expect(await node(project, root('node_modules/typescript/bin/tsc'), '-p', '.')).toBe('');
    },
    300_000,
  );
});

/** What a user writes, on top of a bare import. */
const samples: Partial<Record<Published, string>> = {
  sdk: readFileSync(root('packages/sdk/README.md'), 'utf8')
    .split('```')
    .filter((part) => part.startsWith('ts\n'))
    .slice(0, 1)
    .map((part) => part.slice(3).replaceAll('process.env.PRIVATE_KEY', "'0x' as string | undefined"))
    .join('\n'),
};

it('a seller with Express installs little, and no database, chain or server of ours', async () => {
  const { bytes, packages } = installed(await install(shelf, 'paywall', { express: '5.3.0' }));
  expect(bytes).toBeLessThan(15 * MIB);
  expect(packages.length).toBeLessThanOrEqual(80);
  expect(packages.filter((one) => /^(viem|pg|ioredis|@electric-sql|@foundry-rs)/.test(one))).toEqual([]);
});

it('npx agentpay-mcp speaks JSON-RPC and nothing else, offline, where only the package is installed', async () => {
  const asked = [
    {
      id: 1,
      method: 'initialize',
      params: {
        protocolVersion: '2025-06-18',
        capabilities: {},
        clientInfo: { name: 'test', version: '1' },
      },
    },
    { method: 'notifications/initialized' },
    { id: 2, method: 'tools/list' },
  ];
  const input = asked.map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`).join('');
  const printed = await npx(projects.mcp, 'agentpay-mcp', input);
  const messages = printed
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: number; result: Record<string, unknown> });
  expect(messages.map(({ id }) => id)).toEqual([1, 2]);
  expect(messages[0]?.result['serverInfo']).toEqual({
    name: 'agentpay',
    version: manifestOf('mcp')['version'],
  });
  const tools = (messages[1]!.result['tools'] as { name: string }[]).map(({ name }) => name);
  expect(tools).toEqual(expect.arrayContaining(['payments_create', 'fetch_paid']));
});

describe('a release', () => {
  interface Release {
    readonly manifests: readonly { readonly name: string; readonly version: string }[];
    readonly python: readonly { readonly path: string; readonly version: string }[];
    readonly changelog: string;
    readonly [other: string]: unknown;
  }
  interface Releasing {
    readRelease(): Release;
    releaseFaults(release: Release): readonly string[];
    tarballFaults(folder: string, version: string): readonly string[];
  }
  const releasing = async () => (await import(root('packages/dev/release.mjs'))) as Releasing;
  const version = () => String(manifestOf('sdk')['version']);
  /** The packages as they are, in a repository that is ready. */
  const ready = (release: Release): Release => ({
    ...release,
    changelog: `# Changelog\n\n## ${version()}\n`,
    tags: [],
    changes: [],
    pending: [],
  });

  it('has one version everywhere, the Python packages included, and needs nothing that is not published', async () => {
    const { readRelease, releaseFaults, tarballFaults } = await releasing();
    expect(releaseFaults(ready(readRelease()))).toEqual([]);
    expect(tarballFaults(shelf.folder, version())).toEqual([]);
    expect(tarballFaults(shelf.folder, '9.9.9').length).toBeGreaterThanOrEqual(published.length);
  });

  it.each<[string, (release: Release) => object, RegExp]>([
    [
      'a package of another version',
      ({ manifests: [one, ...others] }) => ({ manifests: [one, { ...others[0], version: '9.9.9' }] }),
      /has version 9\.9\.9/,
    ],
    [
      'a package that is needed and not published',
      ({ manifests }) => ({ manifests: manifests.slice(1) }),
      /needs @agentpay\/primitives/,
    ],
    [
      'Python left behind',
      ({ python }) => ({ python: [{ ...python[0], version: '0.0.1' }] }),
      /says 0\.0\.1/,
    ],
    ['nothing in the changelog', () => ({ changelog: '## Unreleased' }), /CHANGELOG\.md/],
    ['a tag that exists', () => ({ tags: [`v${version()}`] }), /the tag v/],
    ['files that are not committed', () => ({ changes: [' M README.md'] }), /not committed/],
    ['changesets that wait', () => ({ pending: ['brave-dogs.md'] }), /brave-dogs/],
  ])('is refused with %s', async (_, change, fault) => {
    const { readRelease, releaseFaults } = await releasing();
    const release = ready(readRelease());
    expect(releaseFaults({ ...release, ...change(release) }).join('\n')).toMatch(fault);
  });
});
