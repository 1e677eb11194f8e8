export { DevFault } from './DevFault.js';
export { runOnKept } from './kept.js';
export { startLocalChain, type LocalChain, type LocalChainOptions } from './localChain.js';
export { startLocalMoney, type LocalMoney, type LocalMoneyOptions } from './localMoney.js';
