export { createCore } from './Core.js';
export type { Core, CoreOptions, CorePorts, CoreSettings, GivenSettings } from './Core.js';
export type { WebhookPorts } from './webhooks/index.js';
export type { TokenClaims, TokenCodec } from './tokens/index.js';
export type { Principal } from './identity/index.js';
export type { Party, PartyKind } from './parties/index.js';
export type { AroundBatch } from './batch/index.js';
export type { Job, JobReport } from './Job.js';
export * from './slices.js';
