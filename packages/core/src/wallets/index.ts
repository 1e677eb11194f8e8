export { balance, fund, get, ofCurrency, open, owned, TEST_FAUCET } from './operations.js';
export type { Balance, Wallet } from './Wallet.js';
export { walletRows } from './WalletStore.js';
