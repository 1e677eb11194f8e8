import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { spawnNode, type Spawned } from '@agentpay/testing';
import { root } from './published.js';

const run = promisify(execFile);

/** For hangs: a busy machine starts a process in twenty seconds. */
const HANG_MS = 500_000;

/** The command `agentpay` of a project in which its package is installed, at work in a folder. */
export interface Installed {
  readonly folder: string;
  /** What a command prints to stdout. @throws Error with all that it printed when it fails */
  run(command: string): Promise<string>;
  /** Starts what stays: the program itself, so that a signal reaches it. */
  start(...args: readonly string[]): Spawned;
}

export function installedCommand(project: string, folder = project): Installed {
  mkdirSync(folder, { recursive: true });
  const env = {
    ...process.env,
    AGENTPAY_HOME: join(project, 'home'),
    npm_config_offline: 'true',
    npm_config_update_notifier: 'false',
  };
  return {
    folder,
    async run(command) {
      const { stdout } = await run('bash', ['-c', command], { cwd: folder, env, timeout: HANG_MS });
      return stdout;
    },
    start: (...args) =>
      spawnNode(join(project, 'node_modules/@agentpay/cli/dist/bin.js'), {
        args,
        cwd: folder,
        // Nothing of the machine's databases: what is not configured is embedded.
        env: { AGENTPAY_HOME: env.AGENTPAY_HOME, DATABASE_URL: '', REDIS_URL: '', LOG_LEVEL: 'silent' },
      }),
  };
}

/** The commands of the first paid call, as the README of the command tells them. */
export function toldCommands(): { readonly sell: string; readonly buy: readonly string[] } {
  const [, section = ''] = /## From an empty folder[^\n]*\n([^]*?)\n## /.exec(
    readFileSync(root('packages/cli/README.md'), 'utf8'),
  ) ?? ['', ''];
  const told = section.split('\n').filter((line) => line.startsWith('npx @agentpay/cli '));
  const [sell = '', ...buy] = told;
  return { sell, buy };
}

/** Seconds of each step. */
export type Steps = Record<string, number>;

export async function timed<T>(steps: Steps, name: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await work();
  steps[name] = (performance.now() - began) / 1000;
  return result;
}

/** Prints how long each step took: to be read, not to be asserted. */
export function printSteps(title: string, steps: Steps): void {
  const lines = Object.entries(steps).map(
    ([name, seconds]) => `  ${seconds.toFixed(1).padStart(5)} s  ${name}`,
  );
  const all = Object.values(steps).reduce((sum, seconds) => sum + seconds, 0);
  process.stderr.write(`${[title, ...lines, `  ${all.toFixed(1).padStart(5)} s  in all`].join('\n')}\n`);
}

/** Sells an API by the command that is told, as long as the work takes. */
export async function selling(
  agentpay: Installed,
  steps: Steps,
  work: (shop: Spawned, url: string) => Promise<void>,
): Promise<void> {
  const api = createServer((_req, res) => void res.end('{"sky":"blue"}'));
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
  const { sell } = toldCommands();
  const [, upstream = ''] = /--upstream (\S+)/.exec(sell) ?? [];
  const words = sell
    .replace(upstream, `http://127.0.0.1:${(api.address() as AddressInfo).port}`)
    .replaceAll("'", '')
    .split(' ')
    .slice(2);
  const shop = agentpay.start(...words, '--port', '0');
  try {
    const [, url = ''] = await timed(steps, sell, () => shop.line(/^Selling \S+ on (http:\S+)$/, HANG_MS));
    await work(shop, url);
  } finally {
    await shop.kill('SIGTERM');
    api.close();
    api.closeAllConnections();
  }
}

/** Buys from a shop by the commands that are told. @returns what the last one printed */
export async function buyAsTold(agentpay: Installed, steps: Steps, url: string): Promise<string> {
  const { buy } = toldCommands();
  if (buy.length !== 3) throw new Error('The README tells other commands.');
  let bought = '';
  for (const command of buy)
    bought = await timed(steps, command, () => agentpay.run(command.replace('http://127.0.0.1:4021', url)));
  return bought;
}
