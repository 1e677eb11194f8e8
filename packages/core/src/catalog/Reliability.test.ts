import fc from 'fast-check';
import { classOf, endOfClass, summarize } from './Reliability.js';

describe('how well calls were answered', () => {
  it('puts every time into a class that ends at most 5 % and one millisecond later', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 86_400_000 }), (ms) => {
        const end = endOfClass(classOf(ms));
        expect(end).toBeGreaterThanOrEqual(ms);
        expect(end).toBeLessThanOrEqual(ms * 1.05 + 1);
      }),
    );
  });

  it('has a p95 that is that of the times themselves, to the width of a class', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 60_000 }), { minLength: 1, maxLength: 200 }),
        (times) => {
          const rows = times.map((ms) => ({ ending: String(classOf(ms)), calls: 1 }));
          const exact = [...times].sort((a, b) => a - b)[Math.ceil(times.length * 0.95) - 1] as number;
          const { p95Ms, uptimePct, calls } = summarize(rows);
          expect([calls, uptimePct]).toEqual([times.length, 100]);
          expect(p95Ms).toBeGreaterThanOrEqual(exact);
          expect(p95Ms).toBeLessThanOrEqual(exact * 1.05 + 1);
        },
      ),
    );
  });

  it('never calls one failed call in many none', () => {
    const rows = [
      { ending: '40', calls: 999_999 },
      { ending: 'down', calls: 1 },
    ];
    expect(summarize(rows).uptimePct).toBe(99.99);
  });

  it('counts a call that the agent refused as answered', () => {
    const rows = [
      { ending: '10', calls: 2 },
      { ending: 'refused', calls: 1 },
      { ending: 'down', calls: 1 },
    ];
    expect(summarize(rows)).toMatchObject({ calls: 4, uptimePct: 75 });
  });

  it('is all well where nothing was called', () => {
    expect(summarize([])).toEqual({ calls: 0, uptimePct: 100, p95Ms: 0 });
  });
});
