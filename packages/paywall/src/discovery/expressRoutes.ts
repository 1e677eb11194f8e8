import type { Pricing } from '../Pricing.js';
import type { Route } from './Sale.js';

/** An Express application, 4 or 5, as far as its routes can be seen. */
export interface ExpressLike {
  readonly router?: unknown;
  readonly _router?: unknown;
}

interface Layer {
  readonly route?: { readonly path: unknown; readonly stack: readonly { readonly method?: string; readonly handle: unknown }[] };
}

/** The routes of an application that have a price in front: `pricingOf` tells which handler is one. */
export function expressRoutes(app: ExpressLike, pricingOf: (handler: unknown) => Pricing | undefined): Route[] {
  const router = routerOf(app) as { readonly stack?: readonly Layer[] } | undefined;
  return (router?.stack ?? []).flatMap(({ route }) => {
    if (!route) return [];
    const paths = [route.path].flat().filter((path): path is string => typeof path === 'string' && isPlain(path));
    return paths.flatMap((path) =>
      route.stack.flatMap(({ method, handle }) => {
        const pricing = pricingOf(handle);
        return pricing ? [{ method: method?.toUpperCase(), path, pricing }] : [];
      }),
    );
  });
}

// In Express 4 `router` is a getter that throws.
function routerOf(app: ExpressLike): unknown {
  return app._router ?? app.router;
}

/** Patterns that have no form in OpenAPI are left out: optional groups and regular expressions. */
function isPlain(path: string): boolean {
  return !/[{}()?+[\]\\]/.test(path);
}
