import type { families } from '@agentpay/api';
import type { Composition } from '../compose.js';
import type { Route } from '../http/implement.js';
import { runtimeRoutes } from './runtime/index.js';

const routesOf: { readonly [Id in keyof typeof families]: (composition: Composition) => Route[] } = {
  runtime: runtimeRoutes,
};

/** The routes of every family. */
export function allRoutes(composition: Composition): Route[] {
  return Object.values(routesOf).flatMap((routes) => routes(composition));
}
