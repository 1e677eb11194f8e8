import { manualClock, type Clock, type RateLimiter } from '@agentpay/primitives';

/** A rate limiter under test, empty, with the time of the clock given. */
export interface RateLimiterSubject {
  readonly limiter: RateLimiter;
  close(): Promise<void>;
}

const START_MS = 1_800_000_000_000;

/** What every {@link RateLimiter} does. */
export function rateLimiterCases(name: string, make: (clock: Clock) => Promise<RateLimiterSubject>): void {
  describe(`RateLimiter: ${name}`, () => {
    const clock = manualClock(START_MS);
    let subject: RateLimiterSubject;
    let limiter: RateLimiter;
    beforeEach(async () => {
      subject = await make(clock);
      limiter = subject.limiter;
    });
    afterEach(() => subject.close());

    it('allows the burst at once, then one per refill', async () => {
      const limit = { perMinute: 1200, burst: 3 }; // one every 50 ms
      const first = await limiter.take('k', limit);
      expect(first).toEqual({ allowed: true, limit: 1200, remaining: 2, retryAfterMs: 0, resetMs: 50 });
      await limiter.take('k', limit);
      const last = await limiter.take('k', limit);
      expect(last).toEqual({ allowed: true, limit: 1200, remaining: 0, retryAfterMs: 0, resetMs: 150 });
      clock.advance(49);
      const early = await limiter.take('k', limit);
      expect(early).toEqual({ allowed: false, limit: 1200, remaining: 0, retryAfterMs: 1, resetMs: 101 });
      clock.advance(1);
      const refilled = await limiter.take('k', limit);
      expect(refilled).toEqual({ allowed: true, limit: 1200, remaining: 0, retryAfterMs: 0, resetMs: 150 });
    });

    it('takes nothing for a refused request', async () => {
      const limit = { perMinute: 60, burst: 1 };
      await limiter.take('k', limit);
      for (let i = 0; i < 5; i++) expect((await limiter.take('k', limit)).retryAfterMs).toBe(1000);
    });

    it('is looked at without anything being taken', async () => {
      const limit = { perMinute: 60, burst: 2 };
      const full = { allowed: true, limit: 60, remaining: 2, retryAfterMs: 0, resetMs: 0 };
      for (let i = 0; i < 5; i++) expect(await limiter.look('k', limit)).toEqual(full);
      await limiter.take('k', limit);
      await limiter.take('k', limit);
      for (let i = 0; i < 3; i++)
        expect(await limiter.look('k', limit)).toMatchObject({
          allowed: false,
          remaining: 0,
          retryAfterMs: 1000,
        });
      clock.advance(1_000);
      expect(await limiter.look('k', limit)).toMatchObject({ allowed: true, remaining: 1, resetMs: 1000 });
      expect((await limiter.take('k', limit)).allowed).toBe(true);
    });

    it('never fills a bucket above its burst', async () => {
      const limit = { perMinute: 60_000, burst: 2 };
      await limiter.take('k', limit);
      clock.advance(3_600_000);
      expect((await limiter.take('k', limit)).remaining).toBe(1);
    });

    it('keeps keys apart', async () => {
      const limit = { perMinute: 1, burst: 1 };
      expect((await limiter.take('a', limit)).allowed).toBe(true);
      expect((await limiter.take('a', limit)).allowed).toBe(false);
      expect((await limiter.take('b', limit)).allowed).toBe(true);
    });

    it('loses no part of a request to rounding', async () => {
      const limit = { perMinute: 7, burst: 2 }; // one every 8571.43 ms
      await limiter.take('k', limit);
      await limiter.take('k', limit);
      let allowed = 0;
      for (let ms = 0; ms < 60_000; ms += 100) {
        clock.advance(100);
        if ((await limiter.take('k', limit)).allowed) allowed++;
      }
      expect(allowed).toBe(7);
    });

    it('refuses a limit that is no pair of whole numbers from 1', async () => {
      await expect(limiter.take('k', { perMinute: 0, burst: 1 })).rejects.toThrow(RangeError);
      await expect(limiter.take('k', { perMinute: 1, burst: 0.5 })).rejects.toThrow(RangeError);
    });

    it('allows the burst and no more to 50 concurrent requests', async () => {
      const verdicts = await Promise.all(
        Array.from({ length: 50 }, () => limiter.take('k', { perMinute: 1, burst: 20 })),
      );
      expect(verdicts.filter(({ allowed }) => allowed)).toHaveLength(20);
    });
  });
}
