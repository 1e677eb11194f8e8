import type { Clock, RateLimit, RateLimiter, RateVerdict } from '@agentpay/primitives';
import { assertRateLimit, REQUEST_UNITS, verdict } from './Bucket.js';
import { script, type RedisConnection } from './script.js';

// The arithmetic of takeFrom in Bucket.ts. The key holds "units:updatedMs" until the bucket is full again.
const TAKE = `
local perMinute, capacity, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local look = ARGV[4] == '1'
local now = tonumber(ARGV[5])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local units = capacity
local stored = redis.call('GET', KEYS[1])
if stored then
  local u, t = string.match(stored, '^(%d+):(%d+)$')
  units = math.min(capacity, tonumber(u) + math.max(0, now - tonumber(t)) * perMinute)
end
local allowed = 0
if look then
  return { units >= cost and 1 or 0, units }
end
if units >= cost then
  allowed = 1
  units = units - cost
end
local full = math.ceil((capacity - units) / perMinute)
redis.call('SET', KEYS[1], string.format('%.0f:%.0f', units, now), 'PX', string.format('%.0f', full + 1000))
return { allowed, units }`;

/**
 * The rate limiter that several processes share: one round trip, and the time of Redis, so that it does not matter what their own
 * clocks say.
 * @param options.clock tells the time in place of Redis, for tests
 */
export function redisRateLimiter(
  redis: RedisConnection,
  { clock, prefix = 'agentpay' }: { clock?: Clock | undefined; prefix?: string } = {},
): RateLimiter {
  const take = script<[number, number]>(redis, 'rate_take', TAKE);
  async function ask(key: string, limit: RateLimit, look: 0 | 1): Promise<RateVerdict> {
    assertRateLimit(limit);
    const args = [limit.perMinute, limit.burst * REQUEST_UNITS, REQUEST_UNITS, look, clock?.now() ?? ''];
    const [allowed, units] = await take([`${prefix}:rate:${key}`], args);
    return verdict(units, allowed === 1, limit);
  }
  return { take: (key, limit) => ask(key, limit, 0), look: (key, limit) => ask(key, limit, 1) };
}
