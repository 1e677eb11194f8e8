import type { RedeemHint, Tracker } from '@agentpay/primitives';
import { script, type RedisConnection } from './script.js';

// KEYS: a sorted set of deadlines and a hash of states, both by token id; their hash tag keeps them on one node of a cluster.
const TRACK = `
if ARGV[2] == 'reserved' and redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])`;

const REDEEM = `
local state = redis.call('HGET', KEYS[2], ARGV[1])
if not state then return 'unknown' end
if state ~= 'reserved' then return 'replayed' end
redis.call('HSET', KEYS[2], ARGV[1], 'redeemed')
return 'first'`;

const FORGET = `
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])`;

// A lease is a deadline moved to its end, so a token whose holder died comes back by itself.
const DUE = `
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do redis.call('ZADD', KEYS[1], ARGV[3], id) end
return ids`;

/** The tracker that several processes share. Every method is atomic and one round trip. */
export function redisTracker(redis: RedisConnection, { prefix = 'agentpay' } = {}): Tracker {
  const keys = [`${prefix}:{tokens}:deadlines`, `${prefix}:{tokens}:states`];
  const track = script<null>(redis, 'tracker_track', TRACK);
  const redeem = script<RedeemHint>(redis, 'tracker_redeem', REDEEM);
  const forget = script<null>(redis, 'tracker_forget', FORGET);
  const due = script<string[]>(redis, 'tracker_due', DUE);
  return {
    async track({ tokenId, state, deadlineMs }) {
      await track(keys, [tokenId, state, deadlineMs]);
    },
    redeem: (tokenId) => redeem(keys, [tokenId]),
    async forget(tokenId) {
      await forget(keys, [tokenId]);
    },
    due: ({ nowMs, limit, leaseMs }) => due(keys, [nowMs, limit, nowMs + leaseMs]),
    async close() {},
  };
}
