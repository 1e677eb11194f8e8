export { startLocalChain, type LocalChain, type LocalChainOptions } from './localChain.js';
export { claimPort } from './Ports.js';
