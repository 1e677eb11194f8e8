import type { Amount } from '@agentpay/primitives';

export type HoldState = 'open' | 'captured' | 'released';

/** Money of a wallet reserved for one purpose. Leaves `open` exactly once. */
export interface Hold {
  readonly id: string;
  readonly walletId: string;
  readonly asset: string;
  /** In base units of the asset. */
  readonly amount: Amount;
  /** What it is reserved for: "token". */
  readonly purpose: string;
  readonly state: HoldState;
  readonly createdAt: Date;
  readonly closedAt: Date | null;
}

/** Under which the books have that a hold was opened, and what became of it. */
export const openKey = (holdId: string): string => `${holdId}:open`;
export const closeKey = (holdId: string): string => `${holdId}:close`;
export const keysOfHold = (holdId: string): string[] => [openKey(holdId), closeKey(holdId)];
