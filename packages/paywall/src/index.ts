export { paywall, type Middleware, type Paywall } from './paywall.js';
export type { PaywallOptions, Report, TokenOptions } from './options.js';
export { byVolume } from './Price.js';
export type { Asked, Authorize, Price, PricedRoute, PriceFunction, SettleTiming, Verdict } from './Price.js';
export type { Accept } from './Tender.js';
