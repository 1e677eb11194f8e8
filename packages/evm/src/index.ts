export * from './Chain.js';
export * from './FiatToken.js';
export * from './Multicall.js';
export * from './Receipts.js';
export * from './Sender.js';
export * from './Signature.js';
export * from './simulatedChain.js';
export * from './viemChain.js';
