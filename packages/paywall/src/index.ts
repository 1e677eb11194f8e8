export { paywall, type Charge, type Middleware, type Paywall } from './paywall.js';
export type { Discovery, DiscoveryOptions, Documents } from './offer/discovery/index.js';
export type { RouteExtensions } from './offer/extensions/RouteExtensions.js';
export type { FetchHandler } from './outgoing/fetchStyle.js';
export type { Earnings, Hooks, PayerEvent, PaymentEvent } from './seller/hooks.js';
export type { PaywallOptions, TokenOptions } from './seller/options.js';
export { meteredCalls } from './seller/meteredCalls.js';
export { byVolume } from './seller/Price.js';
export type {
  RequestView,
  Authorize,
  Price,
  PricedRoute,
  PriceFunction,
  SettleTiming,
  Verdict,
} from './seller/Price.js';
export type { Accept, TransferMethod, TransferOptions } from './seller/PaymentOption.js';
export type { Cors } from './seller/CorsOption.js';
export type { RouteSchemas } from './seller/RouteSchemas.js';
export type { Logger, Report } from './seller/Report.js';
