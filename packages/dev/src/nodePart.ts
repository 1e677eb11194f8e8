import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { sleep, type Clock } from '@agentpay/primitives';
import { DevFault } from './DevFault.js';
import type { RunningPart } from './Supervisor.js';

/** A part of the stack that is a Node program with an HTTP port. */
export interface NodePart {
  readonly name: string;
  readonly script: string;
  readonly args?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Responds with 2xx once the part is ready, and with something else while it starts. */
  readonly readyUrl: string;
}

/** Longest time without a sign of life; a busy machine may take any time as long as there are some. */
const SILENCE_MS = 180_000;
const READY_POLL_MS = 50;
const STOP_MS = 8_000;
const OUTPUT_KEPT = 4_000;
/** The parts are configured by the stack alone: a DATABASE_URL of the user's shell is not for them. */
const INHERITED = [
  'PATH',
  'HOME',
  'TMPDIR',
  'TEMP',
  'SystemRoot',
  'NODE_OPTIONS',
  'NODE_EXTRA_CA_CERTS',
  'LOG_LEVEL',
];

/**
 * Starts the program and resolves when it is ready.
 * @param signal ends the program when it is not ready yet
 * @throws DevFault when it ends, or gives no sign of life for three minutes: no output, and no response of any kind
 */
export async function launchNode(part: NodePart, clock: Clock, signal: AbortSignal): Promise<RunningPart> {
  let output = '';
  let heardAt = clock.now();
  const hear = (text: string) => {
    output = (output + text).slice(-OUTPUT_KEPT);
    heardAt = clock.now();
  };
  const child = spawn(process.execPath, [part.script, ...(part.args ?? [])], {
    env: { ...inherited(), ...part.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', hear);
  const running = runningOf(child, { clock, lastWords: () => lastLine(output) });
  for (;;) {
    const heard = await ask(part.readyUrl);
    if (heard === 'ready') return running;
    if (heard === 'alive') heardAt = clock.now();
    if (child.exitCode !== null || child.signalCode !== null || running.pid === 0)
      throw new DevFault(`The ${part.name} did not start: ${await running.exited}`);
    const silent = clock.now() - heardAt > SILENCE_MS;
    if (silent || signal.aborted) await running.close();
    if (signal.aborted) throw new DevFault(`The ${part.name} was not started: the stack is stopping.`);
    if (silent)
      throw new DevFault(
        `The ${part.name} gave no sign of life for ${SILENCE_MS / 1000} s: ${lastLine(output)}`,
      );
    await sleep(clock, READY_POLL_MS, signal);
  }
}

function runningOf(
  child: ChildProcess,
  { clock, lastWords }: { clock: Clock; lastWords: () => string },
): RunningPart {
  let over = false;
  const exited = once(child, 'close').then(
    () => lastWords(),
    (cause: unknown) => String(cause),
  );
  void exited.then(() => (over = true));
  return {
    pid: child.pid ?? 0,
    exited,
    async close() {
      if (over) return;
      child.kill('SIGTERM');
      const cancel = clock.timer(STOP_MS, () => child.kill('SIGKILL'));
      await exited;
      cancel();
    },
  };
}

/** What a part has of the user's shell. */
export function inherited(): Record<string, string> {
  return Object.fromEntries(
    INHERITED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

/** Whether something responds there, and whether it is ready. */
function ask(url: string): Promise<'ready' | 'alive' | 'silent'> {
  return fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    async (response) => {
      await response.body?.cancel();
      return response.ok ? 'ready' : 'alive';
    },
    () => 'silent',
  );
}

function lastLine(output: string): string {
  return output.trim().split('\n').at(-1)?.trim() || 'it said nothing.';
}
