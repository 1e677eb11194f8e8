export { createDiscovery, type Discovery, type DiscoveryOptions, type Documents } from './discovery.js';
export { expressRoutes } from './expressRoutes.js';
export { routeOf, type Route, type RunningPaywall } from './Sale.js';
