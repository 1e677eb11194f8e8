import type { Env } from './environment.js';

/** Shorter names are near to too many that belong to other programs. */
const SHORTEST = 6;

/**
 * Variables that are set, that nobody reads, and whose names are nearly those of ones that are not set: a sentence for each. `NETWORK`
 * for `NETWORKS` would otherwise leave the default in place without a word.
 */
export function misspeltVariables(known: readonly string[], env: Env): string[] {
  const isSet = (name: string) => env[name] !== undefined && env[name] !== '';
  const missing = known.filter((name) => !isSet(name));
  return Object.keys(env)
    .filter((name) => isSet(name) && !known.includes(name))
    .flatMap((name) => {
      const meant = missing.find((other) => isNear(name, other));
      return meant === undefined
        ? []
        : [`${name} is not read by this program; its name for that is ${meant}.`];
    });
}

function isNear(name: string, known: string): boolean {
  if (bare(name) === bare(known)) return true;
  return Math.min(name.length, known.length) >= SHORTEST && isOneChange(name.toUpperCase(), known);
}

/** Without what people get wrong first: case, underscores, the plural. */
function bare(name: string): string {
  return name.toUpperCase().replaceAll('_', '').replace(/S$/, '');
}

/** One letter more, less or other, or two in the wrong order. */
function isOneChange(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < Math.min(a.length, b.length) && a[start] === b[start]) start += 1;
  const [left, right] = [a.slice(start), b.slice(start)];
  if (left.slice(1) === right.slice(1) || left.slice(1) === right || left === right.slice(1)) return true;
  return left.slice(2) === right.slice(2) && left[0] === right[1] && left[1] === right[0];
}
