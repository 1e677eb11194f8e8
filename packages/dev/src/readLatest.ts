import { sleep, systemClock, type Clock } from '@agentpay/primitives';

const READS = 40;
const PAUSE_MS = 50;

/**
 * What a local chain says of its latest state. One that keeps no earlier states refuses a read when a block comes in between: it is asked
 * again, for two seconds at most.
 * @throws what the last of the reads rejects with
 */
export async function readLatest<T>(read: () => Promise<T>, clock: Clock = systemClock): Promise<T> {
  for (let left = READS; ; left--) {
    try {
      return await read();
    } catch (error) {
      if (left === 1) throw error;
      await sleep(clock, PAUSE_MS);
    }
  }
}
