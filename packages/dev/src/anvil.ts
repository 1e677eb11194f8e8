import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { sleep, systemClock } from '@agentpay/primitives';

/** Longest time without a response; anvil itself says nothing. */
const START_LIMIT_MS = 180_000;
const STOP_LIMIT_MS = 5_000;

/** A running anvil. */
export interface Anvil {
  readonly pid: number;
  /** Resolves when the process has ended, however it ended, with what it last wrote to stderr. */
  readonly exited: Promise<string>;
  /** One JSON-RPC call. @throws Error when the node refuses or does not respond within 30 s. */
  rpc<T = unknown>(method: string, params?: readonly unknown[]): Promise<T>;
  /** Asks the process to end, kills it after 5 s, and resolves when it is gone. */
  stop(): Promise<void>;
}

/**
 * The native binary inside `@foundry-rs/anvil`: its JavaScript launcher would be a second process that hides the pid.
 * @throws Error with one sentence when this platform has none.
 */
export function anvilBinary(): string {
  const arch = { x64: 'amd64', arm64: 'arm64' }[process.arch as string] ?? process.arch;
  const name = `@foundry-rs/anvil-${process.platform}-${arch}`;
  const file = process.platform === 'win32' ? 'anvil.exe' : 'anvil';
  try {
    const launcher = createRequire(createRequire(import.meta.url).resolve('@foundry-rs/anvil/package.json'));
    const binary = join(dirname(launcher.resolve(`${name}/package.json`)), 'bin', file);
    if (existsSync(binary)) return binary;
  } catch {
    // not installed: the sentence below says so
  }
  throw new Error(
    `The anvil binary is missing: package ${name} is not installed. Run the install again without --no-optional.`,
  );
}

/** Starts the binary and resolves when it responds. @throws Error with what anvil said when it ends or stays silent for three minutes. */
export async function startAnvil(binary: string, port: number, args: readonly string[]): Promise<Anvil> {
  const child = spawn(binary, ['--host', '127.0.0.1', '--port', String(port), '--silent', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-2000)));
  let ended = false;
  const exited = new Promise<string>((resolve) => {
    const end = (why: string) => {
      ended = true;
      resolve(why);
    };
    child.once('error', (error) => end(error.message));
    child.once('exit', () => end(stderr.trim()));
  });
  const rpc = rpcClient(`http://127.0.0.1:${port}`);
  for (const deadline = systemClock.now() + START_LIMIT_MS; ; await sleep(systemClock, 25)) {
    if (ended)
      throw new Error(`The local chain (anvil) did not start on port ${port}: ${firstLine(await exited)}.`);
    const up = await rpc('eth_chainId').then(
      () => true,
      () => false,
    );
    if (up && !ended) break;
    if (systemClock.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(
        `The local chain (anvil) did not respond on port ${port} within ${START_LIMIT_MS / 1000} s.`,
      );
    }
  }
  return { pid: child.pid as number, exited, rpc, stop: () => stop(child, exited) };
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]?.replace(/^error: |\.$/g, '') || 'it ended without a word';
}

async function stop(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  child.kill('SIGTERM');
  const cancel = systemClock.timer(STOP_LIMIT_MS, () => child.kill('SIGKILL'));
  await exited;
  cancel();
}

function rpcClient(url: string): Anvil['rpc'] {
  return async <T>(method: string, params: readonly unknown[] = []) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      signal: AbortSignal.timeout(30_000),
    });
    const reply = (await response.json()) as { result?: T; error?: { message: string } };
    if (reply.error) throw new Error(`${method}: ${reply.error.message}`);
    return reply.result as T;
  };
}
