import { families, type Family, type Noun } from '@agentpay/api';
import type { Composition } from '../compose.js';
import { routesOf, type Implementation, type Route } from '../http/implement.js';

/** The handlers of every noun: `<family>/<noun>.ts` exports them as `handlers`. */
const implementations = await Promise.all(
  Object.values<Family>(families).flatMap((family) =>
    Object.entries(family.nouns).map(async ([name, noun]) => ({
      family,
      implementation: await load(family, name, noun),
    })),
  ),
);

/** The routes of every family. */
export function allRoutes(composition: Composition): Route[] {
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
