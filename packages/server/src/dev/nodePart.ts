import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { sleep, type Clock } from '@agentpay/primitives';
import { DevFault } from './DevFault.js';
import type { Running } from './Supervisor.js';

/** A part of the stack that is a Node program with an HTTP port. */
export interface NodePart {
  readonly name: string;
  readonly script: string;
  readonly args?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Answers with 2xx once the part is up. */
  readonly readyUrl: string;
}

const READY_MS = 60_000;
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

/** Starts the program and resolves when it answers. @throws DevFault when it ends or stays silent for a minute */
export async function launchNode(part: NodePart, clock: Clock): Promise<Running> {
  const child = spawn(process.execPath, [part.script, ...(part.args ?? [])], {
    env: { ...inherited(), ...part.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-OUTPUT_KEPT)));
  }
  let over = false;
  const exited = once(child, 'close')
    .catch((cause: unknown) => void (output += String(cause)))
    .then(() => {
      over = true;
      return lastLine(output);
    });

  const running: Running = {
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
  for (
    const until = clock.now() + READY_MS;
    !(await answers(part.readyUrl));
    await sleep(clock, READY_POLL_MS)
  ) {
    if (over) throw new DevFault(`The ${part.name} did not start: ${await exited}`);
    if (clock.now() < until) continue;
    await running.close();
    throw new DevFault(`The ${part.name} did not answer within ${READY_MS / 1000} s: ${lastLine(output)}`);
  }
  return running;
}

function inherited(): Record<string, string> {
  return Object.fromEntries(
    INHERITED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

function answers(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    (response) => response.body?.cancel().then(() => response.ok) ?? response.ok,
    () => false,
  );
}

function lastLine(output: string): string {
  return output.trim().split('\n').at(-1)?.trim() || 'it said nothing.';
}
