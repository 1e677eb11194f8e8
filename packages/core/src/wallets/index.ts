export { balance, fund, get, listAll, ofCurrency, open, owned, TEST_FAUCET } from './operations.js';
export { chainCurrency, isOnChain } from './Wallet.js';
export type { Balance, Wallet } from './Wallet.js';
export { walletRows } from './WalletStore.js';
