import { testRedis, trackerCases } from '@agentpay/testing';
import { memoryTracker, redisTracker } from '@agentpay/tracker';

trackerCases('memory', async () => {
  const tracker = memoryTracker();
  return { tracker, close: () => tracker.close() };
});

trackerCases('Redis', async () => {
  const { redis, prefix, close } = await testRedis();
  return { tracker: redisTracker(redis, { prefix }), close };
});
