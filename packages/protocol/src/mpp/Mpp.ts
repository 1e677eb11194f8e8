export * from './AcceptPayment.js';
export * from './Challenge.js';
export * from './Credential.js';
export * from './Problem.js';
export * from './Receipt.js';
export * from './bodyDigest.js';
export * from './evmCharge.js';
