export { runDev } from './command.js';
export { startLocalChain, type LocalChain, type LocalChainOptions } from './localChain.js';
