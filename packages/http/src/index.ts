export { addressOf, canonicalAddress, clientAddress, type Origin } from './clientAddress.js';
export { design, FOR_EVER, type DesignFile } from './design.js';
export { ConfigError, readEnvironment, type Env } from './environment.js';
export { healthRoutes, type Health, type HealthRoutes } from './health.js';
export { listen, type Listening, type ListenOptions } from './listen.js';
export { createLogger, faultOf, plain, type LoggedFault, type Logger } from './log.js';
export { rateLimitedBy, writeRateLimit, type RateLimitHeaders } from './rateLimit.js';
export { misspeltVariables } from './misspelt.js';
export {
  checked,
  flag,
  hostName,
  list,
  logLevel,
  port,
  secret,
  secretList,
  sharedSecrets,
  urlOf,
  whole,
} from './readers.js';
export type { HttpRefusal, RefusalKind, RenderRefusal } from './refusals.js';
export { isGivenUp } from './outbound/faults.js';
export { outbound, type Outbound, type OutboundOptions } from './outbound/outbound.js';
export { addressBelow, endToEnd, type PassedHeaders } from './outbound/passing.js';
export type { IncomingStream, StreamedRequest } from './outbound/stream.js';
export { reachOf, type Reach } from './outbound/addresses.js';
export type { Resolve } from './outbound/target.js';
export { requestIdFrom, requestIdOf, requestIds } from './requestId.js';
export { stopSignals, type StopSignals } from './stopSignals.js';
export {
  openTracing,
  type SpanAttributes,
  type TracedWork,
  type Tracing,
  type TracingOptions,
} from './tracing/Tracing.js';
export { tracedDb } from './tracing/tracedDb.js';
