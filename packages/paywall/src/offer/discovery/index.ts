export { createDiscovery, type Discovery, type DiscoveryOptions, type Documents } from './discovery.js';
export { expressRoutes } from './expressRoutes.js';
export { jsonSchema, type RouteSchemas } from '../../seller/RouteSchemas.js';
export { routeOf } from './Sale.js';
