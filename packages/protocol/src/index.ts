export * from './web.js';
export * from './encoding/httpClient.js';
export * from './encoding/readLimited.js';
export * from './token/PaymentTokenKeys.js';
export * from './token/UsageToken.js';
export * from './x402/httpFacilitator.js';
