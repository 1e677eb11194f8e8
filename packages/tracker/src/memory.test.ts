import { manualClock } from '@agentpay/primitives';
import { memoryRateLimiter } from './memoryRateLimiter.js';
import { memoryTracker } from './memoryTracker.js';

describe('memory has an end', () => {
  it('a rate limiter forgets the key that was quiet longest, never the one in use', async () => {
    const limiter = memoryRateLimiter(manualClock(0), { maxKeys: 2 });
    const once = { perMinute: 1, burst: 1 };
    for (const key of ['a', 'b', 'a', 'c']) await limiter.take(key, once);
    expect((await limiter.take('a', once)).allowed).toBe(false);
    expect((await limiter.take('b', once)).allowed).toBe(true);
  });

  it('a full tracker goes on serving the tokens it knows and calls a new one unknown', async () => {
    const tracker = memoryTracker({ maxTokens: 1 });
    await tracker.track({ tokenId: 'a', state: 'reserved', deadlineMs: 10 });
    await tracker.track({ tokenId: 'b', state: 'reserved', deadlineMs: 5 });
    expect(await tracker.redeem('b')).toBe('unknown');
    await tracker.track({ tokenId: 'a', state: 'in_flight', deadlineMs: 20 });
    expect(await tracker.due({ nowMs: 20, limit: 10, leaseMs: 1 })).toEqual(['a']);
    await tracker.forget('a');
    await tracker.track({ tokenId: 'b', state: 'reserved', deadlineMs: 5 });
    expect(await tracker.redeem('b')).toBe('first');
  });
});
