import type { Endpoint } from '../Endpoint.js';
import { endpointsOf, type Family } from '../Family.js';
import { agreements } from './agreements/index.js';
import { buyer } from './buyer/index.js';
import { gateway } from './gateway/index.js';
import { pay } from './pay/index.js';
import { runtime } from './runtime/index.js';
import { web } from './web/index.js';

/** Every API by its id. */
export const families = { runtime, buyer, pay, gateway, agreements, web };

const all: readonly Family[] = Object.values(families);

/** Every endpoint of every family. */
export const endpoints: readonly Endpoint[] = all.flatMap(endpointsOf);

/** The family that answers for a path: the one with the longest prefix of whole segments. */
export function familyAt(path: string, among: readonly Family[] = all): Family {
  const claims = among.flatMap((family) => family.paths.map((prefix) => ({ family, prefix })));
  const matching = claims.filter(({ prefix }) => covers(prefix, path));
  matching.sort((a, b) => b.prefix.length - a.prefix.length);
  return matching[0]?.family ?? runtime;
}

function covers(prefix: string, path: string): boolean {
  return prefix === '/' || path === prefix || path.startsWith(`${prefix}/`);
}
