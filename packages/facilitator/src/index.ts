export { createApp, type AppOptions } from './app.js';
export { ConfigError, readConfig, type Config } from './config.js';
export { createFacilitator, type FacilitatorOptions, type RunningFacilitator } from './Facilitator.js';
export { loadSignerKeys } from './Keystore.js';
export { migrations } from './migrations.js';
export type { SchemeSettings } from './schemes/Scheme.js';
export { start, type FacilitatorServer } from './start.js';
