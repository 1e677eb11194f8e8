import type { RateLimit, RateVerdict } from '@agentpay/primitives';

/**
 * What one request costs. A millisecond refills `perMinute` units, so that all arithmetic is on whole numbers and no part of a
 * request is lost to rounding.
 */
export const REQUEST_UNITS = 60_000;

/** A token bucket at rest; a full one need not be kept. */
export interface Bucket {
  readonly units: number;
  readonly updatedMs: number;
}

/** The largest burst and refill that stay exact in doubles. */
const MAX = 1_000_000;

/** @throws RangeError when the limit is no pair of whole numbers from 1 to a million. */
export function assertRateLimit({ perMinute, burst }: RateLimit): void {
  const fits = (value: number) => Number.isInteger(value) && value >= 1 && value <= MAX;
  if (!fits(perMinute) || !fits(burst))
    throw new RangeError(`A rate limit is two whole numbers from 1 to ${MAX}.`);
}

/** What is in the bucket now; an absent one is full. */
export function unitsNow(bucket: Bucket | undefined, { perMinute, burst }: RateLimit, nowMs: number): number {
  const capacity = burst * REQUEST_UNITS;
  if (!bucket) return capacity;
  return Math.min(capacity, bucket.units + Math.max(0, nowMs - bucket.updatedMs) * perMinute);
}

/**
 * Takes one request from the bucket; an absent bucket is full. A clock that is set back refills nothing, and the refill goes on from
 * where it was set to.
 */
export function takeFrom(
  bucket: Bucket | undefined,
  limit: RateLimit,
  nowMs: number,
): { bucket: Bucket; allowed: boolean } {
  const units = unitsNow(bucket, limit, nowMs);
  const allowed = units >= REQUEST_UNITS;
  return { bucket: { units: allowed ? units - REQUEST_UNITS : units, updatedMs: nowMs }, allowed };
}

/** The verdict of a request that left `units` in the bucket. */
export function verdict(units: number, allowed: boolean, { perMinute, burst }: RateLimit): RateVerdict {
  return {
    allowed,
    limit: perMinute,
    remaining: Math.floor(units / REQUEST_UNITS),
    retryAfterMs: allowed ? 0 : Math.ceil((REQUEST_UNITS - units) / perMinute),
    resetMs: Math.ceil((burst * REQUEST_UNITS - units) / perMinute),
  };
}
