/**
 * Names of ledger accounts. Amounts count from the platform's debt: a credit (what is owed to an owner grows) is positive,
 * a debit negative, so a wallet's balance is the plain sum of its postings and the faucet's is what it gave out, negated.
 */

/** Money the owner may spend. */
export function available(walletId: string): string {
  return `w:${walletId}:avail`;
}

/** Money the owner has, reserved by open holds. */
export function held(walletId: string): string {
  return `w:${walletId}:held`;
}

/** Play money issued. */
export const FAUCET = 'faucet';

/** Fees earned on payments. */
export const REVENUE_PAYMENT = 'rev:payment';

/** Accounts that belong to somebody: they never fall below zero, and their balance is kept in a row that is locked to spend from. */
export function isOwned(account: string): boolean {
  return account.startsWith('w:');
}
