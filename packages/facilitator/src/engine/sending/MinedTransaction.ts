import type { Hex } from '@agentpay/protocol';

/** A transaction in a block, and what it cost. */
export interface MinedTransaction {
  readonly hash: Hex;
  readonly signer: string | undefined;
  readonly success: boolean;
  readonly gasUsed: bigint;
  /** Settlements it carried. */
  readonly payments: number;
}
