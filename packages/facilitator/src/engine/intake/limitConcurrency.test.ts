import { manualClock } from '@agentpay/primitives';
import { limitConcurrency } from './limitConcurrency.js';

describe('slots', () => {
  const ticks = () => new Promise((resolve) => setImmediate(resolve));

  /** Works that end when told to. */
  function open(most: number) {
    const clock = manualClock(0);
    const begun: number[] = [];
    const end = new Map<number, (error?: Error) => void>();
    const slots = limitConcurrency({ clock, most, longestMs: 60 });
    const begin = (n: number) =>
      slots(() => {
        begun.push(n);
        return new Promise<number>((resolve, reject) =>
          end.set(n, (error) => (error ? reject(error) : resolve(n))),
        );
      });
    return { clock, begun, end, begin };
  }

  it('are given in the order of coming, so many at a time, and given on by works that fail', async () => {
    const { begun, end, begin } = open(2);
    const works = [0, 1, 2, 3, 4].map(begin);
    await ticks();
    expect(begun).toEqual([0, 1]);
    end.get(1)?.(new Error('failed'));
    await expect(works[1]).rejects.toThrow('failed');
    await ticks();
    expect(begun).toEqual([0, 1, 2]);
    for (const n of [0, 2, 3, 4]) {
      end.get(n)?.();
      expect(await works[n]).toBe(n);
      await ticks();
    }
    expect(begun).toEqual([0, 1, 2, 3, 4]);
  });

  it('are given away, once, by works that take too long', async () => {
    const { clock, begun, end, begin } = open(1);
    const works = [0, 1, 2].map(begin);
    await ticks();
    clock.advance(59);
    await ticks();
    expect(begun).toEqual([0]);
    clock.advance(1);
    await ticks();
    expect(begun).toEqual([0, 1]);
    end.get(0)?.();
    expect(await works[0]).toBe(0);
    await ticks();
    expect(begun).toEqual([0, 1]);
    end.get(1)?.();
    await ticks();
    expect(begun).toEqual([0, 1, 2]);
    end.get(2)?.();
    expect(await Promise.all(works)).toEqual([0, 1, 2]);
  });
});
