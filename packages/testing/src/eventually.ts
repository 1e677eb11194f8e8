import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 10;

/**
 * Calls `attempt` until it no longer throws, and gives its result.
 * @throws the last error of `attempt` when `timeoutMs` have passed.
 */
export async function eventually<T>(attempt: () => T | Promise<T>, timeoutMs = 120_000): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() >= end) throw error;
    }
    await sleep(POLL_MS);
  }
}
