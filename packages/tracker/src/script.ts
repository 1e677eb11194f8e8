import type { Cluster, Redis } from 'ioredis';

/** A connection of ioredis; its owner closes it. */
export type RedisConnection = Redis | Cluster;

/** Runs the script on one set of keys, atomically and in one round trip. */
export type Script<Reply> = (keys: readonly string[], args: readonly (string | number)[]) => Promise<Reply>;

type Command = (...args: (string | number)[]) => Promise<unknown>;

/**
 * Registers a Lua script under a name of its own on the connection. It is sent by its hash, and in full where Redis does not
 * know it (first use, restart, SCRIPT FLUSH).
 */
export function script<Reply>(redis: RedisConnection, name: string, lua: string): Script<Reply> {
  const command = `agentpay_${name}`;
  redis.defineCommand(command, { lua });
  const run = (redis as unknown as Record<string, Command>)[command] as Command;
  return (keys, args) => run.call(redis, keys.length, ...keys, ...args) as Promise<Reply>;
}
