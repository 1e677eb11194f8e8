import { spawn, type SpawnOptions } from 'node:child_process';

const OUTPUT_LIMIT = 1_000_000;
/** Room, in MiB, for what a start makes and drops: with as little as Node begins with, an eighth of its time goes into collecting it. */
const QUICK_START = '--min-semi-space-size=16';

/** A child process with its output kept. It ends with the test process at the latest. */
export interface Spawned {
  readonly pid: number;
  /** stdout and stderr so far, the last million characters of it. */
  output(): string;
  /**
   * The first line that matches, also among those already written.
   * @throws Error with the output when the process ends or `timeoutMs` pass without one.
   */
  line(pattern: RegExp, timeoutMs?: number): Promise<RegExpMatchArray>;
  /** Resolves when the process has ended. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Sends the signal (default SIGKILL) and waits for the end. Does nothing to a process that has ended. */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

export interface SpawnNodeOptions {
  readonly args?: readonly string[];
  /** Added to the environment of the test. */
  readonly env?: Record<string, string>;
  readonly cwd?: string;
}

/** Runs a JavaScript file with this Node. */
export function spawnNode(script: string, { args = [], env = {}, cwd }: SpawnNodeOptions = {}): Spawned {
  const options = { env: { ...process.env, ...env }, ...(cwd === undefined ? {} : { cwd }) };
  return spawned(process.execPath, [QUICK_START, script, ...args], options);
}

/** Runs a command. */
export function spawned(command: string, args: readonly string[], options: SpawnOptions = {}): Spawned {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const listeners = new Set<() => void>();
  let output = '';
  let running = true;
  const changed = () => listeners.forEach((listener) => listener());
  const keep = (chunk: string) => {
    output = (output + chunk).slice(-OUTPUT_LIMIT);
    changed();
  };
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', keep);

  const killAtExit = () => void child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const ended: Spawned['ended'] = new Promise((resolve) => {
    const finish = (code: number | null, signal: NodeJS.Signals | null) => {
      running = false;
      process.removeListener('exit', killAtExit);
      changed();
      resolve({ code, signal });
    };
    child.on('close', finish);
    child.on('error', (error) => {
      output += `${error.message}\n`;
      if (child.pid === undefined) finish(null, null);
    });
  });

  return {
    pid: child.pid ?? -1,
    output: () => output,
    ended,
    line(pattern, timeoutMs = 180_000) {
      return new Promise((resolve, reject) => {
        const settle = (end: () => void) => {
          listeners.delete(look);
          clearTimeout(timer);
          end();
        };
        const fail = (why: string) =>
          settle(() =>
            reject(
              new Error(`${command} ${args.join(' ')}: no line ${pattern} ${why}. Its output:\n${output}`),
            ),
          );
        const look = () => {
          const match = output
            .split('\n')
            .map((line) => line.match(pattern))
            .find((found) => found !== null);
          if (match) settle(() => resolve(match));
          else if (!running) fail('before it ended');
        };
        const timer = setTimeout(() => fail(`within ${timeoutMs} ms`), timeoutMs);
        listeners.add(look);
        look();
      });
    },
    async kill(signal = 'SIGKILL') {
      if (running) child.kill(signal);
      await ended;
    },
  };
}
