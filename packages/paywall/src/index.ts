export { paywall, type Middleware, type Paywall } from './paywall.js';
export type { PaywallOptions, Report, TokenOptions } from './options.js';
export type { Price, PricedRoute, SettleTiming } from './Price.js';
