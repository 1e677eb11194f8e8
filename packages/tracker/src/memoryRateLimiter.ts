import { newestMap, type Clock, type RateLimiter } from '@agentpay/primitives';
import { assertRateLimit, REQUEST_UNITS, takeFrom, unitsNow, verdict, type Bucket } from './Bucket.js';

/**
 * The rate limiter of a single process.
 * @param maxKeys upper bound of the keys remembered; above it those that were quiet longest start afresh.
 */
export function memoryRateLimiter(clock: Clock, { maxKeys = 100_000 } = {}): RateLimiter {
  const buckets = newestMap<string, Bucket>(maxKeys);
  return {
    async take(key, limit) {
      assertRateLimit(limit);
      const { bucket, allowed } = takeFrom(buckets.get(key), limit, clock.now());
      buckets.set(key, bucket);
      return verdict(bucket.units, allowed, limit);
    },
    async look(key, limit) {
      assertRateLimit(limit);
      const units = unitsNow(buckets.get(key), limit, clock.now());
      return verdict(units, units >= REQUEST_UNITS, limit);
    },
  };
}
