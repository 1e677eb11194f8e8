import { sleep, type Clock } from '@agentpay/primitives';
import { DevFault } from './DevFault.js';
import { startReaper } from './reaped.js';

/** A running process. */
export interface RunningPart {
  readonly pid: number;
  /** Resolves when the process has ended, with the last it said. */
  readonly exited: Promise<string>;
  /** Ends it and waits for that. */
  close(): Promise<void>;
}

/** A part of the stack: a process that is kept running. */
export interface Part<R extends RunningPart = RunningPart> {
  readonly name: string;
  /** The process as it runs now. */
  readonly running: R;
}

export type Launch<R extends RunningPart> = (signal: AbortSignal) => Promise<R>;

export interface SupervisorOptions {
  readonly clock: Clock;
  /** Called after a part was started again. */
  readonly onRestart: (part: Part) => void;
  /** Called when a part cannot be kept up; the stack should end. */
  readonly onGiveUp: (fault: DevFault) => void;
}

/** Starts processes, starts those that die again in the same way, and stops all of them. */
export interface Supervisor {
  /** Starts a part; `launch` resolves when the process is ready, and ends what it began when told to. @throws what `launch` throws */
  start<R extends RunningPart>(name: string, launch: Launch<R>): Promise<Part<R>>;
  /** Stops every part, the last started first, and those that are being started. Safe to call twice. */
  stop(): Promise<void>;
}

// On Ctrl-C the parts may end before the supervisor hears of it; within this time it does.
const RESTART_DELAY_MS = 200;
/** An end within this time of the start counts as a failure to start. */
const STABLE_MS = 5_000;
const MAX_FAILURES = 5;

export function createSupervisor({ clock, onRestart, onGiveUp }: SupervisorOptions): Supervisor {
  const parts: { readonly running: RunningPart }[] = [];
  const keepers: Promise<void>[] = [];
  const launching = new Set<Promise<RunningPart>>();
  const stopping = new AbortController();
  const reaper = startReaper();

  async function start<R extends RunningPart>(name: string, launch: Launch<R>): Promise<Part<R>> {
    const launched = launch(stopping.signal);
    launching.add(launched);
    const running = await launched.finally(() => launching.delete(launched));
    if (stopping.signal.aborted) {
      await running.close();
      throw new DevFault(`The ${name} was not started: the stack is stopping.`);
    }
    const part = { name, running };
    parts.push(part);
    reaper.add(part.running.pid);
    keepers.push(keep(part, launch));
    return part;
  }

  async function keep<R extends RunningPart>(
    part: { name: string; running: R },
    launch: Launch<R>,
  ): Promise<void> {
    let failures = 0;
    for (let startedAt = clock.now(); !stopping.signal.aborted;) {
      const lastWords = await part.running.exited;
      reaper.remove(part.running.pid);
      await sleep(clock, RESTART_DELAY_MS, stopping.signal);
      if (stopping.signal.aborted) return;
      failures = clock.now() - startedAt < STABLE_MS ? failures + 1 : 0;
      if (failures > MAX_FAILURES)
        return onGiveUp(new DevFault(`The ${part.name} keeps ending: ${lastWords || 'it said nothing'}`));
      startedAt = clock.now();
      const next = await launch(stopping.signal).catch((cause: unknown) => failed(cause));
      part.running = next as R;
      if (!stopping.signal.aborted && next.pid > 0) {
        reaper.add(next.pid);
        onRestart(part);
      }
      if (stopping.signal.aborted) await next.close();
    }
  }

  async function stop(): Promise<void> {
    stopping.abort();
    await Promise.allSettled(launching);
    for (const part of [...parts].reverse()) await part.running.close();
    await Promise.all(keepers);
    reaper.close();
  }

  return { start, stop };
}

// A launch that failed counts as a process that ended at once, so that one loop handles both.
function failed(cause: unknown): RunningPart {
  return { pid: 0, exited: Promise.resolve((cause as Error).message), close: async () => undefined };
}
