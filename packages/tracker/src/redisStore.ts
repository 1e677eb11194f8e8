import type { Store } from '@agentpay/primitives';
import { script, type RedisConnection } from './script.js';

// An entry is a hash { n: version, v: value } that lives as long as its key.
const PUT = `
local version = tonumber(redis.call('HGET', KEYS[1], 'n') or 0)
if version ~= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'n', version + 1, 'v', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return version + 1`;

const DELETE = `
if redis.call('HGET', KEYS[1], 'n') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`;

/**
 * The store that several processes share. Every method is atomic and one round trip, and rejects when Redis is out of reach;
 * a `put` that rejects may have been written.
 */
export function redisStore(redis: RedisConnection, { prefix = 'agentpay' } = {}): Store {
  const put = script<number>(redis, 'store_put', PUT);
  const remove = script<number>(redis, 'store_delete', DELETE);
  return {
    async get(key) {
      const [version, value] = await redis.hmget(`${prefix}:store:${key}`, 'n', 'v');
      return version != null && value != null ? { value, version: Number(version) } : undefined;
    },
    async put(key, value, { expected, ttlMs }) {
      return (await put([`${prefix}:store:${key}`], [expected, value, Math.ceil(ttlMs)])) || undefined;
    },
    async delete(key, { expected }) {
      return (await remove([`${prefix}:store:${key}`], [expected])) === 1;
    },
  };
}
