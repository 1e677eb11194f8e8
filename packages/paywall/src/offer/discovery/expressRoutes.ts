import type { Pricing } from '../../seller/Pricing.js';
import type { Route } from './Sale.js';

/** An Express application, 4 or 5, or a router of one, as far as its routes can be seen. */
export interface ExpressLike {
  readonly router?: unknown;
  readonly _router?: unknown;
  readonly stack?: unknown;
}

interface Layer {
  readonly route?: {
    readonly path: unknown;
    readonly stack: readonly { readonly method?: string; readonly handle: unknown }[];
  };
}

/** Tells which handler is a price. */
type PricingOf = (handler: unknown) => Pricing | undefined;

/** The routes that have a price in front: those of an application, and those of routers by the path at which each is mounted. */
export function expressRoutes(
  app: ExpressLike | undefined,
  routers: Readonly<Record<string, ExpressLike>>,
  pricingOf: PricingOf,
): Route[] {
  const mounted = Object.entries(routers).map(
    ([mount, router]) => [mount.replace(/\/+$/, ''), router] as const,
  );
  return [...(app ? [['', app] as const] : []), ...mounted].flatMap(([mount, router]) =>
    layersOf(router).flatMap((layer) => routesIn(layer, mount, pricingOf)),
  );
}

function routesIn({ route }: Layer, mount: string, pricingOf: PricingOf): Route[] {
  if (!route) return [];
  const paths = [route.path]
    .flat()
    .filter((path): path is string => typeof path === 'string' && isPlain(mount + path));
  return paths.flatMap((path) =>
    route.stack.flatMap(({ method, handle }) => {
      const pricing = pricingOf(handle);
      return pricing
        ? [{ method: method?.toUpperCase(), path: mount && path === '/' ? mount : mount + path, pricing }]
        : [];
    }),
  );
}

// In Express 4 `router` is a getter that throws.
function layersOf(app: ExpressLike): readonly Layer[] {
  const { stack } = app.stack ? app : ((app._router ?? app.router ?? {}) as { readonly stack?: unknown });
  return (stack ?? []) as readonly Layer[];
}

/** Patterns that have no form in OpenAPI are left out: optional groups and regular expressions. */
function isPlain(path: string): boolean {
  return !/[{}()?+[\]\\]/.test(path);
}
