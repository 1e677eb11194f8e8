import type { Amount } from '@agentpay/primitives';

/** The platform's account on a chain: payments by x402 come in there, payments and payouts on the chain leave from there. */
export interface TreasuryAccount {
  /** Its account in the books, `custody:base-sepolia:usdc`. */
  readonly account: string;
  /** `USDC` */
  readonly asset: string;
  /** What it has, in base units; undefined when its chain cannot be asked. */
  balance(): Promise<Amount | undefined>;
}

export interface LedgerPorts {
  /** Absent where no chain is configured. */
  readonly treasury?: TreasuryAccount | undefined;
}
