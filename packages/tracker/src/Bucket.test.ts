import fc from 'fast-check';
import { assertRateLimit, takeFrom, verdict, type Bucket } from './Bucket.js';

const limits = fc.record({
  perMinute: fc.integer({ min: 1, max: 60_000 }),
  burst: fc.integer({ min: 1, max: 2000 }),
});

describe('the token bucket', () => {
  it('never allows more than the burst plus the refill of the time that passed', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(limits, steps, (limit, gaps) => {
        let bucket: Bucket | undefined;
        let now = 0;
        let allowed = 0;
        for (const gap of gaps) {
          now += gap;
          const taken = takeFrom(bucket, limit, now);
          bucket = taken.bucket;
          if (taken.allowed) allowed++;
        }
        expect(allowed).toBeLessThanOrEqual(limit.burst + (now * limit.perMinute) / 60_000);
      }),
    );
  });

  it('allows a refused request after exactly retryAfterMs, and no millisecond earlier', () => {
    fc.assert(
      fc.property(limits, fc.integer({ min: 0, max: 59_999 }), (limit, units) => {
        const bucket = { units, updatedMs: 0 };
        const refused = takeFrom(bucket, limit, 0);
        expect(refused.allowed).toBe(false);
        const { retryAfterMs } = verdict(refused.bucket.units, false, limit);
        expect(takeFrom(refused.bucket, limit, retryAfterMs).allowed).toBe(true);
        expect(takeFrom(refused.bucket, limit, retryAfterMs - 1).allowed).toBe(false);
      }),
    );
  });

  it('refills nothing when the clock is set back, and goes on from where it was set to', () => {
    const limit = { perMinute: 60, burst: 1 };
    const { bucket } = takeFrom(undefined, limit, 10_000);
    const back = takeFrom(bucket, limit, 5000);
    expect(back.allowed).toBe(false);
    expect(takeFrom(back.bucket, limit, 5999).allowed).toBe(false);
    expect(takeFrom(back.bucket, limit, 6000).allowed).toBe(true);
  });

  it.each([0, -1, 1.5, Number.NaN, 1_000_001])('refuses %p as a limit', (value) => {
    expect(() => assertRateLimit({ perMinute: value, burst: 1 })).toThrow(RangeError);
    expect(() => assertRateLimit({ perMinute: 1, burst: value })).toThrow(RangeError);
  });
});
