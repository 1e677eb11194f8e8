import type { Clock } from '@agentpay/primitives';
import type { Logger } from '@agentpay/http';

/** A repeated piece of work. */
export interface Repeating {
  /** No further run begins; resolves when the one under way has ended. */
  stop(): Promise<void>;
}

/** Runs `work` every `ms`, counted from the end of the run before; a run that fails is logged and the next one comes all the same. */
export function every(
  ms: number,
  work: () => Promise<void>,
  { name, clock, log }: { name: string; clock: Clock; log: Logger },
): Repeating {
  let stopped = false;
  let running: Promise<void> = Promise.resolve();
  let cancel = clock.timer(ms, run, { background: true });

  function run(): void {
    running = work()
      .catch((error: unknown) => log.error({ job: name, err: error }, 'job failed'))
      .then(() => {
        if (!stopped) cancel = clock.timer(ms, run, { background: true });
      });
  }

  return {
    async stop() {
      stopped = true;
      cancel();
      await running;
    },
  };
}
