import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Root folder of the workspace, seen from test/dist/packages. */
export const root = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** The packages that are for everybody's projects, and those that they need. */
export const published = ['primitives', 'protocol', 'api', 'paywall', 'sdk', 'mcp'] as const;
export type Published = (typeof published)[number];

/** A folder outside of the workspace with the packages as they would be published. */
export interface Shelf {
  readonly folder: string;
  readonly tarballs: Readonly<Record<Published, string>>;
  close(): void;
}

export async function packAll(): Promise<Shelf> {
  const folder = mkdtempSync(join(tmpdir(), 'agentpay-packages-'));
  const { pack } = (await import(root('packages/dev/pack.mjs'))) as { pack(folder: string): Promise<void> };
  await pack(folder);
  const tarballs: Partial<Record<Published, string>> = {};
  for (const name of published) {
    const file = readdirSync(folder).find((entry) => entry.startsWith(`agentpay-${name}-`)) as string;
    tarballs[name] = join(folder, file);
  }
  const close = () => rmSync(folder, { recursive: true, force: true });
  return { folder, tarballs: tarballs as Shelf['tarballs'], close };
}

/** An empty project in which npm has installed the tarball of a package, and others from the registry by their versions. */
export async function install(
  { folder, tarballs }: Shelf,
  name: Published,
  others: Readonly<Record<string, string>> = {},
): Promise<string> {
  const project = join(folder, `with-${name}-${Object.keys(others).length}`);
  mkdirSync(project);
  const own = (names: readonly Published[]) =>
    Object.fromEntries(names.map((one) => [`@agentpay/${one}`, `file:${tarballs[one]}`]));
  const manifest = {
    private: true,
    type: 'module',
    dependencies: { ...own([name]), ...others },
    overrides: own(published.filter((one) => one !== name)),
  };
  writeFileSync(join(project, 'package.json'), JSON.stringify(manifest));
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', '--ignore-scripts'];
  await run('npm', ['install', ...quiet], { cwd: project });
  return project;
}

/** What is installed: the packages by name and version, and the bytes of all their files. */
export function installed(project: string): { readonly packages: readonly string[]; readonly bytes: number } {
  const lock = JSON.parse(readFileSync(join(project, 'node_modules/.package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string }>;
  };
  const packages = Object.entries(lock.packages).map(
    ([path, { version }]) => `${path.replace(/^.*node_modules\//, '')}@${version}`,
  );
  return { packages, bytes: bytesIn(join(project, 'node_modules')) };
}

function bytesIn(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    return sum + (entry.isDirectory() ? bytesIn(path) : statSync(path).size);
  }, 0);
}

/** Every file of an installed package, by its path in it. */
export function filesOf(project: string, name: Published): string[] {
  const folder = join(project, 'node_modules/@agentpay', name);
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

/** Runs a program of Node in a folder; rejects with what it printed when it fails. */
export async function node(project: string, ...args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run(process.execPath, args, { cwd: project });
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
