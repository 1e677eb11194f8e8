export * from './web.js';
export { hmacSha256 } from './encoding/hmacSha256.js';
export * from './encoding/httpClient.js';
export * from './encoding/readLimited.js';
export * from './token/PaymentTokenKeys.js';
export * from './token/UsageToken.js';
export * from './x402/httpFacilitator.js';
