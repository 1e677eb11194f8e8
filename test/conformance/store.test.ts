import { setTimeout as sleep } from 'node:timers/promises';
import { manualClock, memoryStore } from '@agentpay/primitives';
import { storeCases, testRedis } from '@agentpay/testing';
import { redisStore } from '@agentpay/tracker';

storeCases('memory', async () => {
  const clock = manualClock(0);
  return { store: memoryStore(clock), elapse: async (ms) => clock.advance(ms), close: async () => {} };
});

storeCases('Redis', async () => {
  const { redis, prefix, close } = await testRedis();
  return { store: redisStore(redis, { prefix }), elapse: (ms) => sleep(ms), close };
});
