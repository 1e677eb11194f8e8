import { manualClock } from '@agentpay/primitives';
import { createLogger } from '@agentpay/http';
import { every } from './every.js';

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('every', () => {
  const options = () => ({ name: 'test', clock: manualClock(0), log: createLogger('silent') });

  it('runs after each period, also after a run that failed', async () => {
    const given = options();
    let runs = 0;
    const job = every(
      1000,
      () => {
        runs++;
        return Promise.reject(new Error('no'));
      },
      given,
    );
    given.clock.advance(999);
    expect(runs).toBe(0);
    for (let n = 1; n <= 3; n++) {
      given.clock.advance(1000);
      await settled();
      expect(runs).toBe(n);
    }
    await job.stop();
  });

  it('never runs twice at once', async () => {
    const given = options();
    let running = 0;
    let most = 0;
    let finish = (): void => {};
    const job = every(
      1000,
      async () => {
        most = Math.max(most, ++running);
        await new Promise<void>((resolve) => (finish = resolve));
        running--;
      },
      given,
    );
    given.clock.advance(10_000);
    await settled();
    given.clock.advance(10_000);
    finish();
    await settled();
    expect(most).toBe(1);
    await job.stop();
  });

  it('waits at stop for the run under way, and begins no other', async () => {
    const given = options();
    let finish = (): void => {};
    let runs = 0;
    const job = every(
      1000,
      () => {
        runs++;
        return new Promise<void>((resolve) => (finish = resolve));
      },
      given,
    );
    given.clock.advance(1000);
    let stopped = false;
    const stopping = job.stop().then(() => (stopped = true));
    await settled();
    expect(stopped).toBe(false);
    finish();
    await stopping;
    given.clock.advance(10_000);
    await settled();
    expect(runs).toBe(1);
  });
});
