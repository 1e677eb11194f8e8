import { manualClock } from '@agentpay/primitives';
import { expiring } from './Expiring.js';

function setup() {
  const clock = manualClock(0);
  const cache = expiring<number>(clock, { ttlMs: 5_000, limit: 2 });
  let loads = 0;
  const load = async () => ++loads;
  return { clock, cache, load, get: (key: string) => cache.get(key, load) };
}

describe('expiring', () => {
  it('gives the kept response until its time is over', async () => {
    const { clock, get } = setup();
    expect(await get('a')).toBe(1);
    clock.advance(4_999);
    expect(await get('a')).toBe(1);
    clock.advance(1);
    expect(await get('a')).toBe(2);
  });

  it('shares one load among those who ask at the same time', async () => {
    const { get } = setup();
    expect(await Promise.all([get('a'), get('a'), get('a')])).toEqual([1, 1, 1]);
  });

  it('keeps no more than its limit; the oldest goes', async () => {
    const { get } = setup();
    await get('a');
    await get('b');
    await get('c');
    expect(await get('b')).toBe(2);
    expect(await get('a')).toBe(4);
  });

  it('does not keep a failure', async () => {
    const { cache, get } = setup();
    await expect(cache.get('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await get('a')).toBe(1);
  });

  it('does not keep what a load brings that began before a clear', async () => {
    const { cache, get } = setup();
    let finish: (value: number) => void = () => undefined;
    const old = cache.get('a', () => new Promise<number>((resolve) => (finish = resolve)));
    cache.clear();
    finish(-1);
    expect(await old).toBe(-1);
    expect(await get('a')).toBe(1);
  });
});
