import type { Amount } from '@agentpay/primitives';

/** Money that a party wants to spend. */
export interface Spending {
  /** The party that pays. */
  readonly payer: string;
  readonly walletId: string;
  /** What the payee is meant to have, in base units: what limits are about. */
  readonly amount: Amount;
  /** Fee on top of it. */
  readonly fee?: Amount;
  readonly asset: string;
  /** Who is paid, by all names that an allow list may have: its party first, then wallet, service, label. */
  readonly payee: string | readonly string[];
  /** How it is paid: "internal", "x402", "base-usdc", ... */
  readonly rail: string;
  /** What it is reserved for: "token", "payment", "payout", ... */
  readonly purpose: string;
  /** Of a usage agreement: the category of its service. */
  readonly agreement?: { readonly category: string | null };
  /** Whether its owner has approved it. */
  readonly approved?: boolean;
  /** Whether the owner takes their own money out: then only kill switches stop it, and no limit counts it. */
  readonly own?: boolean;
}

/** What a spending was, for giving it back. */
export type PastSpending = Pick<Spending, 'payer' | 'payee' | 'amount' | 'own'> & { readonly at: Date };
