import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnNode } from '@agentpay/testing';
import { publint } from 'publint';
import { describeBundles } from './bundles.js';
import { buyAsTold, installedCommand, printSteps, selling, timed, type Steps } from './commandLine.js';
import {
  filesOf,
  folderOf,
  importsIn,
  installAsTold,
  installed,
  node,
  npx,
  packed,
  published,
  root,
  toldInstalls,
  typeFaults,
  undeclared,
  type Shelf,
} from './published.js';

const MIB = 1024 * 1024;
/** What a user of a package gets at most: bytes of all files, and packages, with all that it needs. */
const budgets: Readonly<Record<string, { readonly bytes: number; readonly packages: number }>> = {
  primitives: { bytes: 0.2 * MIB, packages: 1 },
  protocol: { bytes: 10 * MIB, packages: 6 },
  api: { bytes: 8 * MIB, packages: 3 },
  sdk: { bytes: 11 * MIB, packages: 8 },
  paywall: { bytes: 12 * MIB, packages: 9 },
  // Most of it is the official SDK of the Model Context Protocol, which brings Express and Hono.
  mcp: { bytes: 30 * MIB, packages: 110 },
  // A local chain, an embedded PostgreSQL and viem are the most of it.
  cli: { bytes: 300 * MIB, packages: 300 },
};
const budgeted = Object.keys(budgets);

/** Each project is made by what a README tells, and has the packages that the command names. */
const [toldShop = '', toldAll = ''] = toldInstalls('README.md');
const [toldBuyer = ''] = toldInstalls('packages/sdk/README.md');
const commands: Readonly<Record<string, string>> = { buyer: toldBuyer, shop: toldShop, all: toldAll };

const projects: Record<string, string> = {};
const installing: Steps = {};
let shelf: Shelf;
/** What arethetypeswrong says of each module, and how many names each exports. */
let faults: Record<string, unknown>;
const loaded: Record<string, number> = {};

beforeAll(async () => {
  shelf = await packed();
  const install = async (...names: readonly string[]) => {
    for (const name of names)
      await timed(installing, name, async () => {
        projects[name] = await installAsTold(shelf, name, commands[name] as string);
      });
  };
  const look = async () => {
    faults = await typeFaults(shelf, modules);
  };
  // Some wait for the disk and some for the processor.
  await Promise.all([install('all'), install('buyer', 'shop').then(look)]);
  for (const project of Object.values(projects))
    Object.assign(
      loaded,
      await load(
        project,
        modules.filter((one) => projectOf(one) === project),
      ),
    );
}, 900_000);
afterAll(() => shelf?.close());

/** The smallest project that has a package. */
function projectOf(name: string): string {
  const buyer = ['primitives', 'protocol', 'api', 'sdk'];
  return projects[buyer.includes(name) ? 'buyer' : name === 'paywall' ? 'shop' : 'all'] as string;
}
async function load(project: string, names: readonly string[]): Promise<Record<string, number>> {
  const program = `const loaded = {};
    for (const name of ${JSON.stringify(names)}) loaded[name] = Object.keys(await import('@agentpay/' + name)).length;
    console.log(JSON.stringify(loaded));`;
  return JSON.parse(await node(project, '--input-type=module', '-e', program)) as Record<string, number>;
}
/** Packages of ours that a package brings, itself among them. */
function broughtBy(name: string): string[] {
  const { packages } = installed(projectOf(name), `@agentpay/${name}`);
  return modules.filter((one) => packages.some((each) => each.startsWith(`@agentpay/${one}@`)));
}
const quoted = (name: string) => JSON.stringify(`@agentpay/${name}`);

const manifestOf = (name: string) =>
  JSON.parse(
    readFileSync(join(projectOf(name), 'node_modules/@agentpay', name, 'package.json'), 'utf8'),
  ) as Record<string, unknown>;

/** What packages have beside code and types. */
const others: Readonly<Record<string, RegExp>> = {
  cli: /^assets\/\w+\.js$/,
  dashboard: /^build\/([\w-]+\.(js|css)(\.br|\.gz)?|manifest\.json)$/,
  docs: /^[a-z-]+\.md$/,
  facilitator: /^assets\/\w+\.(css|html|js)$/,
  http: /^assets\/\w+\.(css|js)$/,
  server: /^assets\/\w+\.(css|js)$/,
  solidity: /^artifacts\/\w+\.json$/,
};
/** Packages that are no modules: texts, and a program. */
const notModules = ['docs', 'example-paid-api'];
const modules = published.filter((name) => !notModules.includes(name));

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
      engines: { node: '>=20.19' },
      repository: { type: 'git', url: repository.url, directory: folderOf(name) },
    });
    if (!['dashboard', 'example-paid-api'].includes(name))
      expect(manifest).toMatchObject({ sideEffects: false });
    expect(String(manifest['description']).length).toBeGreaterThan(20);
    const needed = ['dependencies', 'optionalDependencies', 'peerDependencies'].flatMap((group) =>
      Object.values((manifest[group] ?? {}) as Record<string, string>),
    );
    expect(needed.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  it('has code, types, README and licence, and no stray files', () => {
    const files = filesOf(projectOf(name), name);
    expect(files).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'package.json']));
    if (modules.includes(name))
      expect(files).toEqual(expect.arrayContaining(['dist/index.js', 'dist/index.d.ts']));
    const stray = files
      .filter((file) => !/^(README\.md|LICENSE|package\.json|dist\/.+\.(js|d\.ts|css|html))$/.test(file))
      .filter((file) => !others[name]?.test(file));
    expect(stray).toEqual([]);
    if (others[name]) expect(files.some((file) => others[name]?.test(file))).toBe(true);
    expect(files.filter((file) => /\.(test|fixture|bench)\./.test(file))).toEqual([]);
    const maps = files.filter((file) =>
      /^\/\/[#@] sourceMappingURL/m.test(
        readFileSync(join(projectOf(name), 'node_modules/@agentpay', name, file), 'utf8'),
      ),
    );
    expect(maps).toEqual([]);
  });

  it('says of everything that it imports that it needs it', () => {
    expect(undeclared(projectOf(name), name)).toEqual([]);
  });

  it('gives publint nothing to say', async () => {
    const pkgDir = join(projectOf(name), 'node_modules/@agentpay', name);
    expect((await publint({ pkgDir, pack: false, strict: true })).messages).toEqual([]);
  });
});

describe.each(budgeted)('@agentpay/%s', (name) => {
  it('is small, with all that it needs', () => {
    const { bytes, packages } = installed(projectOf(name), `@agentpay/${name}`);
    expect(packages).toContain(`@agentpay/${name}@${String(manifestOf(name)['version'])}`);
    const heavy =
      /^(viem|ox|pg|ioredis|express|@electric-sql\/pglite|@foundry-rs\/|@agentpay\/(core|server|evm))/;
    if (name !== 'cli')
      expect(
        packages.filter((one) => heavy.test(one) && !(name === 'mcp' && one.startsWith('express'))),
      ).toEqual([]);
    expect(bytes).toBeLessThan((budgets[name] as { bytes: number }).bytes);
    expect(packages.length).toBeLessThanOrEqual((budgets[name] as { packages: number }).packages);
  });
});

describe.each(modules)('the module @agentpay/%s', (name) => {
  it('loads, with all that it needs', () => {
    expect(loaded[name]).toBeGreaterThan(0);
  });

  it('gives arethetypeswrong nothing to say (ESM only)', () => {
    expect(faults[name]).toEqual({ types: 'included', problems: [] });
  });
});

describe.each(['sdk', 'paywall', 'mcp', 'cli'])('the types of @agentpay/%s and of what it brings', (name) => {
  it.each(['nodenext', 'bundler'])('are right under %s', async (moduleResolution) => {
    const project = projectOf(name);
    // Those that the package needs, too; the command needs all.
    const imports = broughtBy(name).map(
      (one, i) => `import * as all${i} from ${quoted(one)};\nexport type Names${i} = keyof typeof all${i};\n`,
    );
    writeFileSync(join(project, 'main.ts'), imports.join('') + (samples[name] ?? ''));
    const inServer = ['paywall', 'mcp', 'cli'].includes(name);
    const compilerOptions = {
      moduleResolution,
      module: moduleResolution === 'nodenext' ? 'nodenext' : 'esnext',
      target: 'es2023',
      lib: ['es2023', 'dom', 'dom.iterable'],
      // A browser's project has no types of Node.
      types: moduleResolution === 'nodenext' || inServer ? ['node'] : [],
      typeRoots: [root('node_modules/@types')],
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      // What servers are built of brings types that are not ours to mend.
      skipLibCheck: moduleResolution === 'nodenext' || name === 'cli',
    };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.ts'] }));
    expect(await node(project, root('node_modules/typescript/bin/tsc'), '-p', '.')).toBe('');
  });
});

/** What a user writes, on top of a bare import. */
const samples: Readonly<Record<string, string>> = {
  sdk: readFileSync(root('packages/sdk/README.md'), 'utf8')
    .split('```')
    .filter((part) => part.startsWith('ts\n'))
    .slice(0, 1)
    .map((part) => part.slice(3).replaceAll('process.env.PRIVATE_KEY', "'0x' as string | undefined"))
    .join('\n'),
};

it('a seller with Express installs little, and no database, chain or server of ours', () => {
  const found = ['@agentpay/paywall', 'express'].map((name) => installed(projectOf('paywall'), name));
  const packages = found.flatMap((one) => one.packages);
  expect(found.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(15 * MIB);
  expect(packages.filter((one) => one.startsWith('express@5.'))).toHaveLength(1);
  expect(packages.length).toBeLessThanOrEqual(80);
  expect(packages.filter((one) => /^(viem|pg|ioredis|@electric-sql|@foundry-rs)/.test(one))).toEqual([]);
});

describeBundles(() => projectOf('sdk'));

it('every command that a README or a guide gives to install tarballs is one of those that were carried out', () => {
  const texts = [
    'README.md',
    ...readdirSync(root('packages')).map((name) => `packages/${name}/README.md`),
    ...readdirSync(root('docs'))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
  ];
  const told = texts.flatMap((path) => toldInstalls(path).map((command) => [path, command] as const));
  expect(told.length).toBeGreaterThanOrEqual(5);
  expect(told.filter(([, command]) => !Object.values(commands).includes(command))).toEqual([]);
});

it('imports are found in modules as they are written, and not in their comments', () => {
  const text = `/** import a from 'in-a-comment';\n * import b from 'in-a-block';\n */
import c, { d,\n  e } from 'c/d';\nexport * from './f.js';\nimport 'g';\n// import('h')
const i = await import('i'), j = 'import k';\nexport const l = 'm';\nimport.meta.resolve('n/package.json');`;
  expect(importsIn(text)).toEqual(['c/d', './f.js', 'g', 'i', 'n/package.json']);
});

it('npx agentpay-mcp speaks JSON-RPC and nothing else, offline', async () => {
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
  const printed = await npx(projectOf('mcp'), 'agentpay-mcp', input);
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

describe('the command agentpay, installed', () => {
  it('comes from an empty folder to the first paid call by the commands that its README tells, offline', async () => {
    const agentpay = installedCommand(projectOf('cli'));
    const steps: Steps = { 'npm install': installing['all'] as number };
    await selling(agentpay, steps, async (shop, url) => {
      const bought = await buyAsTold(agentpay, steps, url);
      printSteps('From an empty folder to the first paid call:', steps);
      expect(bought).toContain('{"sky":"blue"}');
      const [, facilitator = ''] = await shop.line(/^ {2}settled by +(http:\S+)$/);

      // A project that it writes sells by the same facilitator.
      await agentpay.run(
        `npx @agentpay/cli init shop --kind seller --facilitator ${facilitator} --tarballs ${shelf.folder}`,
      );
      await agentpay.run('cd shop && npm install --no-audit --no-fund --ignore-scripts');
      const cwd = join(agentpay.folder, 'shop');
      const seller = spawnNode('--env-file=.env', { args: ['server.js'], cwd, env: { PORT: '0' } });
      try {
        const [, at = ''] = await seller.line(/^Selling (http:\S+) for \$0\.01/);
        expect(await agentpay.run(`npx @agentpay/cli pay ${at}`)).toContain('{"sky":"blue"');
      } finally {
        await seller.kill();
      }
    });
  }, 900_000);

  it('runs the whole stack, with its pages', async () => {
    const agentpay = installedCommand(projectOf('cli'), join(projectOf('cli'), 'stack'));
    const dev = agentpay.start('dev', '--port', '0');
    try {
      await dev.line(/^All keys and ids are in/);
      const { api } = JSON.parse(readFileSync(join(agentpay.folder, '.agentpay/dev.json'), 'utf8')) as {
        api: { url: string };
      };
      const page = async (path: string) => {
        const response = await fetch(api.url + path, { headers: { accept: 'text/html' } });
        return `${response.status} ${await response.text()}`;
      };
      for (const path of ['/readyz', '/healthz']) expect(await page(path)).toMatch(/^200 /);
      expect(await page('/docs/quickstart-sellers')).toMatch(/^200 [^]*Quickstart for sellers/);
      const [, script = ''] = /"(\/assets\/dashboard\/[^"]+\.js)"/.exec(await page('/dashboard')) ?? [];
      expect(await page(script)).toMatch(/^200 /);
    } finally {
      await dev.kill('SIGTERM');
    }
    expect(await dev.ended).toEqual({ code: 0, signal: null });
  }, 900_000);

  it("makes keys by the commands of the facilitator's README", async () => {
    const [, told = ''] =
      /```sh\n(umask [^]*?)```/.exec(readFileSync(root('packages/facilitator/README.md'), 'utf8')) ?? [];
    const agentpay = installedCommand(projectOf('cli'), join(projectOf('cli'), 'operation'));
    const printed = await agentpay.run(`set -euo pipefail\n${told}`);
    const [address = '', ...keys] = printed.trim().split('\n');
    expect(address).toMatch(/^0x[0-9a-fA-F]{40} is in secrets\/signer\.json\.$/);
    expect(keys.map((line) => line.split(/ {2,}/)[1])).toEqual([
      expect.stringMatching(/^fk_/),
      expect.stringMatching(/^shop:verify\+settle:[0-9a-f]{64}$/),
      expect.stringMatching(/^fk_/),
      expect.stringMatching(/^me:admin:[0-9a-f]{64}$/),
    ]);
  });

  it('has the server and the facilitator, which say what is not configured', async () => {
    const agentpay = installedCommand(projectOf('cli'));
    const started = [agentpay.start('serve', '--port', '70000'), agentpay.start('facilitator')];
    const ended = await Promise.all(started.map((one) => one.ended));
    expect(ended.map(({ code }) => code)).toEqual([2, 2]);
    expect(started.map((one) => one.output())).toEqual([
      expect.stringContaining('--port'),
      expect.stringMatching(/^RPC_URLS is missing/m),
    ]);
  });
});

it('tarballs have the versions of the release and no ranges of the workspace', async () => {
  const { tarballFaults } = (await import(root('packages/dev/release.mjs'))) as Releasing;
  const version = String(manifestOf('sdk')['version']);
  expect(tarballFaults(shelf.folder, version)).toEqual([]);
  expect(tarballFaults(shelf.folder, '9.9.9').length).toBeGreaterThanOrEqual(published.length);
});

interface Releasing {
  tarballFaults(folder: string, version: string): readonly string[];
}
