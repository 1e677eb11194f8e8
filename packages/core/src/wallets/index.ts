export { balance, fund, ofCurrency, open, owned, TEST_FAUCET } from './operations.js';
export type { Balance, Wallet } from './Wallet.js';
