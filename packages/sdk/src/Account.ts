import type { Address, authorizationTypedData, escrowTypedData, Hex } from '@agentpay/protocol';

/** What payers sign: a transfer, or one into an escrow that only its collector may send. */
export type SignedByPayers = ReturnType<typeof authorizationTypedData> | ReturnType<typeof escrowTypedData>;

/** Who pays on a chain. A viem account is one. */
export interface Account {
  readonly address: Address;
  signTypedData(typedData: SignedByPayers): Promise<Hex>;
}

/** Longest time that a signed authorization stays valid, in seconds, however long the seller asks for. */
export const MAX_LIFETIME = 600;
