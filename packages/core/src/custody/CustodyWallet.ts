import type { Address } from '@agentpay/protocol';

/** A wallet on a chain whose key the platform keeps. Its money is booked in the wallet of the same id. */
export interface CustodyWallet {
  readonly walletId: string;
  /** The party whose money it is. */
  readonly ownerId: string;
  /** For whom it pays: an agent, or an API key of a user. One wallet for each holder and network. */
  readonly holder: string;
  /** CAIP-2 id. */
  readonly network: string;
  readonly address: Address;
  readonly createdAt: Date;
}

/** As it is kept. */
export interface KeptCustodyWallet extends CustodyWallet {
  /** The private key, sealed for this wallet. */
  readonly sealedKey: string;
  /** Grows each time that the chain's balance is booked, so that two who look at once do not both book it. */
  readonly bookings: bigint;
}
