import type { Amount } from '@agentpay/primitives';
import type { Address, Hex, TokenPermit } from '@agentpay/protocol';

/** A fee that its payer has signed a permit for. */
export interface PermitFee {
  /** Names it: a fee is collected once, and given back once. */
  readonly id: string;
  /** What the payer signed; `value` is the fee. */
  readonly permit: TokenPermit;
  readonly signature: Hex;
}

/** How a fee stands on the chain. `unknown`: it may have moved; it is asked again under the same id. */
export type FeeState =
  | { readonly status: 'completed'; readonly reference: string }
  | { readonly status: 'processing' | 'unknown' }
  /** Certain: it has not moved, and never will. */
  | { readonly status: 'failed'; readonly reason: string };

/** The account of the platform that collects fees by permit (EIP-2612) and does nothing else. */
export interface FeeWallet {
  /** CAIP-2 id. */
  readonly network: string;
  readonly address: Address;
  /** The permit that an owner would sign now. Rejects when the chain cannot be asked. */
  permitFor(fee: { readonly owner: Address; readonly amount: Amount }): Promise<TokenPermit>;
  /**
   * The permit that an owner signed for this amount: of those that {@link permitFor} gives now or has given while they were good.
   * Undefined for any other signature. Rejects when the chain cannot be asked.
   */
  signedPermit(fee: {
    readonly owner: Address;
    readonly amount: Amount;
    readonly signature: Hex;
  }): Promise<TokenPermit | undefined>;
  /** Takes the fee, once per id however often it is called, and says how far that is. */
  collect(fee: PermitFee): Promise<FeeState>;
  /**
   * Gives a fee back that was collected, once per id however often it is called. `failed`: not by this transfer, which lasts an hour; the
   * next one is the same but for its time.
   * @param fee.since Unix ms of the first call
   */
  giveBack(fee: {
    readonly id: string;
    readonly to: Address;
    readonly amount: Amount;
    readonly since: number;
  }): Promise<FeeState>;
  /** Base units of its token that the account has; undefined when its chain cannot be asked. */
  balance(): Promise<Amount | undefined>;
}

export interface DirectPorts {
  /** Absent where no chain is configured. */
  readonly feeWallet?: FeeWallet | undefined;
}
