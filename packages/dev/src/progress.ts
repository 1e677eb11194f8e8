import type { Clock } from '@agentpay/primitives';

/** What is said while the stack starts. */
export interface Progress {
  ready(name: string, url: string): void;
  stop(): void;
}

const PARTS = ['chain', 'facilitator', 'API', 'seller'];
const REMIND_MS = 10_000;

/** A line for each part as it gets ready, and one every ten seconds that names what is still awaited. */
export function progressOf(clock: Clock, say: (line: string) => void): Progress {
  const began = clock.now();
  const waiting = new Set(PARTS);
  const seconds = () => `${((clock.now() - began) / 1000).toFixed(1)} s`;
  let cancel = (): void => undefined;
  const remind = () => {
    say(`Waiting for ${[...waiting].join(', ')} (${seconds()}) …`);
    cancel = clock.timer(REMIND_MS, remind);
  };
  say('Starting chain, facilitator, API and seller …');
  cancel = clock.timer(REMIND_MS, remind);
  return {
    ready(name, url) {
      waiting.delete(name);
      say(`${name.padEnd(11)}  ready at ${url} after ${seconds()}`);
    },
    stop: () => cancel(),
  };
}
