import type { Amount, Tx } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import { openHold, releaseHold } from '../ledger/index.js';
import type { Hold } from '../ledger/index.js';

/** Money that a party wants to spend. */
export interface Spending {
  /** The party that pays. */
  readonly payer: string;
  readonly walletId: string;
  /** What leaves the wallet, fee on top included, in base units. */
  readonly amount: Amount;
  readonly asset: string;
  /** Who is paid: the id of a party, or the label of an external payee. */
  readonly payee: string;
  /** How it is paid: "internal", "x402", "base-usdc", ... */
  readonly rail: string;
  /** What it is reserved for: "token", "payment", "payout", ... */
  readonly purpose: string;
}

/**
 * The one gate of all spending: reserves the money for a purpose, inside the caller's transaction.
 * @throws AgentPayError `insufficient_funds`
 */
export async function reserve(
  core: Core,
  tx: Tx,
  { walletId, asset, amount, purpose }: Spending,
): Promise<Hold> {
  return openHold(core, tx, { walletId, asset, amount, purpose });
}

/** What was reserved is not spent: the whole of it returns. */
export async function giveBack(
  core: Core,
  tx: Tx,
  { holdId, reason }: { holdId: string; reason: string },
): Promise<Hold> {
  return releaseHold(core, tx, { holdId, reason });
}
