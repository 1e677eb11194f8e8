export * from './credentials.js';
export * from './documents/index.js';
export * from './Endpoint.js';
export * from './Errors.js';
export * from './Family.js';
export * from './request.js';
export * from './families/index.js';
export { runtime } from './families/runtime/index.js';
export { web } from './families/web/index.js';
