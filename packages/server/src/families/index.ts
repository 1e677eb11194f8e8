import { families, type Family, type Noun } from '@agentpay/api';
import type { Composition } from '../compose.js';
import { routesOf, type Implementation, type EndpointRoute } from '../http/implement.js';

interface Implemented {
  readonly family: Family;
  readonly implementation: Implementation;
}

/** The handlers of every noun: `<family>/<noun>.ts` exports them as `handlers`. */
const implementations: Implemented[] = [];
for (const family of Object.values<Family>(families)) {
  // One after the other: Jest's loader cannot link a module that two imports ask for at once.
  for (const [name, noun] of Object.entries(family.nouns))
    implementations.push({ family, implementation: await load(family, name, noun) });
}

/** The routes of every family. */
export function allRoutes(composition: Composition): EndpointRoute[] {
  return implementations.flatMap(({ family, implementation }) =>
    routesOf(family, implementation, composition),
  );
}

/** @throws TypeError when the file implements another noun */
async function load(family: Family, name: string, noun: Noun): Promise<Implementation> {
  const { handlers } = (await import(`./${family.id}/${name}.js`)) as { handlers: Implementation };
  if (handlers.noun !== noun) throw new TypeError(`${family.id}/${name}.ts implements another noun`);
  return handlers;
}
