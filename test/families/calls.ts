import { families, type Endpoint, type Family } from '@agentpay/api';
import type { Calls, Sent, World } from './world.js';

/** An endpoint with a call of it that succeeds. */
export interface Callable {
  readonly family: Family;
  readonly endpoint: Endpoint;
  /** Prepares a call, each time a fresh one. */
  readonly call: (world: World) => Sent | Promise<Sent>;
}

/** Every endpoint of every family, with the calls of `<family>/<noun>.calls.ts`; a noun without such a file fails here. */
export const callables: readonly Callable[] = await collect();

async function collect(): Promise<Callable[]> {
  const found: Callable[] = [];
  for (const family of Object.values<Family>(families)) {
    for (const [name, noun] of Object.entries(family.nouns)) {
      const { calls } = (await import(`./${family.id}/${name}.calls.js`)) as { calls: Calls<typeof noun> };
      for (const [verb, endpoint] of Object.entries(noun)) {
        found.push({ family, endpoint, call: calls[verb] as Callable['call'] });
      }
    }
  }
  return found;
}

/** For `describe.each`: named by the id. */
export function named(list: readonly Callable[]) {
  return list.map((callable) => [callable.endpoint.id, callable] as const);
}
