export { startLocalChain, type LocalChain, type LocalChainOptions } from './localChain.js';
