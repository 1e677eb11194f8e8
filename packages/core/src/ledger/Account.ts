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

/** Money announced to a gateway that is not final. */
export function pending(gatewayId: string): string {
  return `gw:${gatewayId}:pending`;
}

/** Owed to somebody who has no wallet here. */
export function external(label: string): string {
  return `ext:${label}`;
}

/** Locked for an agreement. */
export function escrow(agreementId: string): string {
  return `escrow:${agreementId}`;
}

/** Money on a chain that the platform has the keys of. The asset's symbol is enough: what stands behind its @ is the network again. */
export function custody(network: string, asset: string): string {
  return `custody:${network}:${symbolOf(asset).toLowerCase()}`;
}

/** `USDC` of `USDC@base`. */
export function symbolOf(asset: string): string {
  return asset.split('@')[0] as string;
}

/** The asset of a custody account, `USDC`; undefined for any other account. */
export function custodySymbol(name: string): string | undefined {
  if (!name.startsWith('custody:')) return undefined;
  return /^custody:[^:]+:([^:]+)$/.exec(name)?.[1]?.toUpperCase();
}

/** Money that the escrow contract holds for agreements. */
export const ESCROW_CONTRACT = 'custody:escrow-contract';

/** Play money issued. */
export const FAUCET = 'faucet';

/** By which one asset becomes another, one for one: what the treasury owes in the one it has got in the other. */
export const EXCHANGE = 'treasury:exchange';

/** Money in the treasury that is the platform's own. */
export const OWN_MONEY = 'treasury:own';

/** Cash at the bank. */
export const BANK = 'bank';

/** Captured by the card processor, not yet transferred to the bank. */
export const PSP_STRIPE = 'psp:stripe';

/** Payouts that were sent and are not confirmed. */
export const PAYOUT_CLEARING = 'payout:clearing';

/** Fees earned on payments. */
export const REVENUE_PAYMENT = 'rev:payment';
export const REVENUE_MARKET = 'rev:market';
export const REVENUE_DIRECT = 'rev:direct';
export const REVENUE_INFRA = 'rev:infra';
export const REVENUE_PLANS = 'rev:plans';

/** Given by the platform. */
export const EXPENSE_GRANTS = 'exp:grants';
export const EXPENSE_REFUNDS = 'exp:refunds';
export const EXPENSE_GAS = 'exp:gas';

const owned = ['w:', 'gw:', 'ext:', 'escrow:'];

/** Accounts that belong to somebody: they never fall below zero, and their balance is kept in a row that is locked to spend from. */
export function isOwned(account: string): boolean {
  return owned.some((prefix) => account.startsWith(prefix));
}
