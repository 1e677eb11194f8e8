import { coalesce } from './coalesce.js';

describe('work in sets', () => {
  function setUp() {
    const sets: number[][] = [];
    const double = coalesce(async (items: readonly number[]) => {
      sets.push([...items]);
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (items.includes(13)) throw new Error('unlucky');
      return items.map((item) => item * 2);
    });
    return { sets, double };
  }

  it('does what comes in one turn together and gives each its own result', async () => {
    const { sets, double } = setUp();
    expect(await Promise.all([1, 2, 3].map(double))).toEqual([2, 4, 6]);
    expect(sets).toEqual([[1, 2, 3]]);
  });

  it('gathers what comes while a set is at work, and bounds its size', async () => {
    const { sets, double } = setUp();
    const first = double(1);
    while (sets.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    const rest = Array.from({ length: 250 }, (_, i) => double(100 + i));
    expect(await first).toBe(2);
    expect(await Promise.all(rest)).toEqual(Array.from({ length: 250 }, (_, i) => 2 * (100 + i)));
    expect(sets.map(({ length }) => length)).toEqual([1, 200, 50]);
  });

  it('fails all members of a set that fails, and goes on with the next', async () => {
    const { double } = setUp();
    const results = await Promise.allSettled([12, 13].map(double));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await double(4)).toBe(8);
  });
});
