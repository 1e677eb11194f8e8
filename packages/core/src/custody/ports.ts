import type { Amount, PaymentNetwork } from '@agentpay/primitives';
import type { Address, Authorization, Hex, Permit2Authorization } from '@agentpay/protocol';
import type { Vault } from '../vault/index.js';

/** What a chain shows of an authorization. `unused`: it was not used by that time, in Unix seconds. */
export type AuthorizationFate =
  | { readonly use: 'payment' | 'other'; readonly transaction: string }
  | { readonly use: 'unused'; readonly at: bigint };

/** A chain on which wallets pay. */
export interface PaymentChain {
  readonly network: PaymentNetwork;
  /** What the account has of the network's asset, in base units. Rejects when the chain cannot be asked. */
  balanceOf(account: Address): Promise<Amount>;
  /**
   * What became of an authorization; undefined while the chain contradicts itself or cannot tell.
   * @param hint a transaction that is said to have used it
   */
  fateOf(authorization: Authorization, hint?: string): Promise<AuthorizationFate | undefined>;
  /** Of a chain whose asset moves by Permit2 alone. */
  readonly permits?: PermitChain;
}

/** What has to be known of a chain to pay there by Permit2. */
export interface PermitChain {
  /** Nonce of the account's next permit of the asset (EIP-2612). Rejects when the chain cannot be asked. */
  nextNonce(account: Address): Promise<bigint>;
  /** What became of a permit, as {@link PaymentChain.fateOf} tells it of an authorization. */
  fateOf(permit: Permit2Authorization, hint?: string): Promise<AuthorizationFate | undefined>;
}

/** Where keys come from, and what signs by them: a master key and this process, or a key service. */
export interface CustodyKeys {
  /** The private key of a new wallet, 32 bytes: another one each time, so that who knows the master key alone knows none. */
  make(walletId: string): Promise<Uint8Array>;
  /** Signature of a 32-byte digest by a key, 0x and hex: r, the low s and v as 27 or 28; the same each time (RFC 6979). */
  sign(privateKey: string, digest: Uint8Array): Hex;
}

export interface CustodyPorts {
  readonly vault: Vault;
  readonly custodyKeys: CustodyKeys;
  /** Chains by CAIP-2 id. */
  readonly chains: ReadonlyMap<string, PaymentChain>;
}
