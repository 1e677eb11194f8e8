import type { Clock, RateLimiter } from '@agentpay/primitives';
import { assertRateLimit, REQUEST_UNITS, verdict } from './Bucket.js';
import { script, type RedisConnection } from './script.js';

// The arithmetic of takeFrom in Bucket.ts. The key holds "units:updatedMs" until the bucket is full again.
const TAKE = `
local now, perMinute, capacity, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local units, updated = capacity, now
local stored = redis.call('GET', KEYS[1])
if stored then
  local u, t = string.match(stored, '^(%d+):(%d+)$')
  updated = math.max(tonumber(t), now)
  units = math.min(capacity, tonumber(u) + (updated - tonumber(t)) * perMinute)
end
local allowed = 0
if units >= cost then
  allowed = 1
  units = units - cost
end
local full = math.ceil((capacity - units) / perMinute) + updated - now
redis.call('SET', KEYS[1], string.format('%.0f:%.0f', units, updated), 'PX', string.format('%.0f', full + 1000))
return { allowed, units }`;

/** The rate limiter that several processes share: one round trip, time from the caller's clock. */
export function redisRateLimiter(
  redis: RedisConnection,
  { clock, prefix = 'agentpay' }: { clock: Clock; prefix?: string },
): RateLimiter {
  const take = script<[number, number]>(redis, 'rate_take', TAKE);
  return {
    async take(key, limit) {
      assertRateLimit(limit);
      const args = [clock.now(), limit.perMinute, limit.burst * REQUEST_UNITS, REQUEST_UNITS];
      const [allowed, units] = await take([`${prefix}:rate:${key}`], args);
      return verdict(units, allowed === 1, limit);
    },
  };
}
