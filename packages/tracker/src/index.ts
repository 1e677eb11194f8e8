export { connectRedis, type RedisOptions } from './connectRedis.js';
export { fallbackLimiter } from './fallbackLimiter.js';
export { memoryRateLimiter } from './memoryRateLimiter.js';
export { memoryTracker } from './memoryTracker.js';
export { redisRateLimiter } from './redisRateLimiter.js';
export { redisStore } from './redisStore.js';
export { redisTracker } from './redisTracker.js';
export type { RedisConnection } from './script.js';
