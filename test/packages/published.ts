import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Root folder of the workspace, seen from test/dist/packages. */
export const root = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

interface Packing {
  readonly published: readonly string[];
  folderOf(name: string): string;
  pack(folder: string, names?: readonly string[]): Promise<void>;
}
export const { published, folderOf, pack } = (await import(root('packages/dev/pack.mjs'))) as Packing;

/** A folder outside of the workspace with packages as they would be published. */
export interface Shelf {
  readonly folder: string;
  readonly tarballs: Readonly<Record<string, string>>;
  close(): void;
}

export async function packed(names = published): Promise<Shelf> {
  const folder = mkdtempSync(join(tmpdir(), 'agentpay-packages-'));
  await pack(folder, names);
  const versionOf = (name: string) =>
    (JSON.parse(readFileSync(root(`${folderOf(name)}/package.json`), 'utf8')) as { version: string }).version;
  const tarballs = Object.fromEntries(
    names.map((name) => [name, join(folder, `agentpay-${name}-${versionOf(name)}.tgz`)]),
  );
  return { folder, tarballs, close: () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }) };
}

/** Where READMEs say that the tarballs are. */
const TOLD_FOLDER = '/path/to/agentpay/tarballs';
/** Nothing of npm that is not the matter of a test: scripts, advice, and asking for news of what is at hand. */
const QUIET = {
  npm_config_audit: 'false',
  npm_config_fund: 'false',
  npm_config_ignore_scripts: 'true',
  npm_config_loglevel: 'error',
  npm_config_prefer_offline: 'true',
  npm_config_update_notifier: 'false',
};

/** The commands by which a README or a guide installs tarballs. */
export function toldInstalls(path: string): string[] {
  const text = readFileSync(root(path), 'utf8');
  return [...text.matchAll(/`(npm install [^`\n]*\.tgz)`/g)].map((match) => match[1] as string);
}

/** An empty project in which somebody has carried out such a command, word for word but for the folder. */
export async function installAsTold({ folder }: Shelf, name: string, command: string): Promise<string> {
  const project = join(folder, `with-${name}`);
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{"private":true,"type":"module"}');
  const here = command.replaceAll(TOLD_FOLDER, folder);
  await run('bash', ['-c', here], { cwd: project, env: { ...process.env, ...QUIET } });
  return project;
}

interface Locked {
  readonly version: string;
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
}

/** A package and all that it needs, as npm has installed them: by name and version, and the bytes of all their files. */
export function installed(project: string, name: string): { packages: readonly string[]; bytes: number } {
  const { packages } = JSON.parse(readFileSync(join(project, 'node_modules/.package-lock.json'), 'utf8')) as {
    packages: Record<string, Locked>;
  };
  const reached = new Set<string>();
  /** Node looks beside the package that asks, and then further out. */
  const find = (from: string, wanted: string): string | undefined => {
    const place = `${from === '' ? '' : `${from}/`}node_modules/${wanted}`;
    if (packages[place]) return place;
    return from === ''
      ? undefined
      : find(from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))), wanted);
  };
  const reach = (path: string | undefined): void => {
    if (path === undefined || reached.has(path)) return;
    reached.add(path);
    const { dependencies, optionalDependencies, peerDependencies } = packages[path] as Locked;
    for (const wanted of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }))
      reach(find(path, wanted));
  };
  reach(find('', name));
  const named = [...reached].map(
    (path) => `${path.replace(/^.*node_modules\//, '')}@${(packages[path] as Locked).version}`,
  );
  return {
    packages: named,
    bytes: [...reached].reduce((sum, path) => sum + bytesIn(join(project, path)), 0),
  };
}

/** Without what is nested, which is counted by itself. */
function bytesIn(folder: string): number {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules')
    .reduce((sum, entry) => {
      const path = join(folder, entry.name);
      return sum + (entry.isDirectory() ? bytesIn(path) : statSync(path).size);
    }, 0);
}

/** Every file of an installed package, by its path in it. */
export function filesOf(project: string, name: string): string[] {
  const folder = join(project, 'node_modules/@agentpay', name);
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

/** What an installed package imports, in its code and its types, without saying that it needs it. */
export function undeclared(project: string, name: string): string[] {
  const folder = join(project, 'node_modules/@agentpay', name);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Locked & {
    readonly name: string;
  };
  const { dependencies, optionalDependencies, peerDependencies } = manifest;
  const declared = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
  const found = filesOf(project, name)
    .filter((file) => /^dist\/.*\.(js|d\.ts)$/.test(file))
    .flatMap((file) => importsIn(readFileSync(join(folder, file), 'utf8')))
    .filter((imported) => !/^(\.|#|node:)/.test(imported))
    .map((imported) => (/^(@[^/]+\/)?[^/]+/.exec(imported) as RegExpExecArray)[0]);
  return [...new Set(found)].filter((one) => one !== manifest.name && !declared.includes(one)).sort();
}

/** The modules that a module names, without what stands in its comments. */
export function importsIn(text: string): string[] {
  const code = text.replace(/^\s*(\*|\/\/|\/\*).*$/gm, '');
  const still = code.matchAll(/^(?:import|export)\b(?:[^'"`;]*?\bfrom)?\s*['"]([^'"\n]+)['"];/gm);
  const lazy = code.matchAll(/\bimport(?:\.meta\.resolve)?\(\s*['"]([^'"\n]+)['"]/g);
  return [...still, ...lazy].map((match) => match[1] as string);
}

/** Runs a program of Node in a folder; rejects with what it printed when it fails. */
export async function node(project: string, ...args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run(process.execPath, args, { cwd: project, maxBuffer: 16 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${stdout ?? ''}${stderr ?? String(error)}`);
  }
}

/** Runs a command that a package brought, with the text as its standard input; gives what it printed once its input has ended. */
export async function npx(project: string, command: string, input: string): Promise<string> {
  const started = run('npx', ['--no-install', command], {
    cwd: project,
    env: { ...process.env, ...OFFLINE },
  });
  started.child.stdin?.end(input);
  return (await started).stdout;
}
const OFFLINE = { npm_config_offline: 'true', AGENTPAY_URL: 'http://127.0.0.1:1' };

/**
 * What arethetypeswrong finds in tarballs, by package, in the ways in which ESM is imported. One process looks at all: it loads a compiler.
 */
export async function typeFaults(
  { tarballs }: Shelf,
  names: readonly string[],
): Promise<Record<string, unknown>> {
  const cli = createRequire(import.meta.url).resolve('@arethetypeswrong/cli/package.json');
  const core = pathToFileURL(createRequire(cli).resolve('@arethetypeswrong/core'));
  const program = `
    import { readFileSync } from 'node:fs';
    import { checkPackage, createPackageFromTarballData } from ${JSON.stringify(core)};
    const found = {};
    for (const [name, file] of ${JSON.stringify(names.map((name) => [name, tarballs[name]]))}) {
      const { types, problems = [] } = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(file))));
      const old = ['node10', 'node16-cjs'];
      found[name] = { types: types && types.kind, problems: problems.filter((one) => !old.includes(one.resolutionKind)) };
    }
    console.log(JSON.stringify(found));`;
  return JSON.parse(await node(root('test'), '--input-type=module', '-e', program)) as Record<
    string,
    unknown
  >;
}
