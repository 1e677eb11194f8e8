import { requests, type Core } from '@agentpay/core';
import { faultOf, type Logger } from '@agentpay/http';
import { repeat } from '@agentpay/primitives';

/** Requests that wait to be written down; further ones are lost while so many wait. */
const MOST_WAITING = 20_000;
const AT_A_TIME = 1_000;
const EVERY_MS = 500;

/** What was asked of this instance and is written down twice a second, so that no request waits for it. */
export interface RequestLog {
  note(request: requests.LoggedRequest): void;
  /** Resolves when what was noted before has been written down, or could not be. */
  written(): Promise<void>;
  stop(): Promise<void>;
}

export function requestLog(core: Core, log: Logger): RequestLog {
  const waiting: requests.LoggedRequest[] = [];
  let lost = 0;
  let writing = Promise.resolve();
  const written = () => (writing = writing.then(writeDown));
  const writer = repeat(core.clock, EVERY_MS, written);

  async function writeDown(): Promise<void> {
    try {
      while (waiting.length > 0) {
        const batch = waiting.slice(0, AT_A_TIME);
        await requests.keep(core, batch);
        waiting.splice(0, batch.length);
      }
      if (lost > 0) log.warn({ lost }, 'requests were not kept: too many waited');
      lost = 0;
    } catch (error) {
      log.warn({ waiting: waiting.length, fault: faultOf(error) }, 'requests are kept later');
    }
  }

  return {
    note(request) {
      if (waiting.length < MOST_WAITING) waiting.push(request);
      else lost++;
    },
    written,
    async stop() {
      await writer.stop();
      await written();
    },
  };
}
