export { paywall, type Middleware, type Paywall } from './paywall.js';
export type { Discovery, DiscoveryOptions, Documents, RouteSchemas } from './discovery/index.js';
export type { RouteExtensions } from './extensions/RouteExtensions.js';
export type { FetchHandler } from './fetchStyle.js';
export type { Earnings, Hooks, PayerEvent, PaymentEvent } from './hooks.js';
export type { Logger, PaywallOptions, Report, TokenOptions } from './options.js';
export { byVolume } from './Price.js';
export type { Asked, Authorize, Price, PricedRoute, PriceFunction, SettleTiming, Verdict } from './Price.js';
export type { Accept, TransferOptions } from './Tender.js';
