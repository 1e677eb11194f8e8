import type { Clock } from './Clock.js';

/** The value of `get` for so many milliseconds; those who ask meanwhile share it. A failure is not kept. */
export function kept<T>(clock: Clock, freshMs: number, get: () => Promise<T>): () => Promise<T> {
  let held: { readonly value: Promise<T>; readonly until: number } | undefined;
  return () => {
    if (held && held.until > clock.now()) return held.value;
    const value = get();
    const mine = { value, until: clock.now() + freshMs };
    held = mine;
    value.catch(() => held === mine && (held = undefined));
    return value;
  };
}
