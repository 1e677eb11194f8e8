/** Milliseconds that `Retry-After` asks to wait (RFC 9110, 10.2.3); undefined where it is missing or says no time. */
export function retryAfterMs(headers: Headers, now: number): number | undefined {
  const asked = headers.get('retry-after');
  if (asked === null) return undefined;
  const ms = /^\d{1,9}$/.test(asked) ? Number(asked) * 1000 : Date.parse(asked) - now;
  return Number.isNaN(ms) ? undefined : Math.max(ms, 0);
}

/** Milliseconds until the next attempt where nobody asks for another wait: doubled each time, 8 seconds at most. */
export function backoffMs(attempt: number): number {
  return Math.min(250 * 2 ** (attempt - 1), 8_000);
}
