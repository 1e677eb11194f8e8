import type { Clock, RateLimit, RateLimiter, RateVerdict } from '@agentpay/primitives';
import { assertRateLimit, REQUEST_UNITS, verdict } from './Bucket.js';
import { script, type RedisConnection } from './script.js';

// The arithmetic of takeFrom in Bucket.ts. The key holds "units:updatedMs" until the bucket is full again.
const TAKE = `
local now, perMinute, capacity, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local look = ARGV[5] == '1'
local units, updated = capacity, now
local stored = redis.call('GET', KEYS[1])
if stored then
  local u, t = string.match(stored, '^(%d+):(%d+)$')
  updated = math.max(tonumber(t), now)
  units = math.min(capacity, tonumber(u) + (updated - tonumber(t)) * perMinute)
end
local allowed = 0
if look then
  return { units >= cost and 1 or 0, units }
end
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
  async function ask(key: string, limit: RateLimit, look: 0 | 1): Promise<RateVerdict> {
    assertRateLimit(limit);
    const args = [clock.now(), limit.perMinute, limit.burst * REQUEST_UNITS, REQUEST_UNITS, look];
    const [allowed, units] = await take([`${prefix}:rate:${key}`], args);
    return verdict(units, allowed === 1, limit);
  }
  return { take: (key, limit) => ask(key, limit, 0), look: (key, limit) => ask(key, limit, 1) };
}
