import type { Address, authorizationTypedData, Hex } from '@agentpay/protocol';

/** Who pays on a chain. A viem account is one. */
export interface Account {
  readonly address: Address;
  signTypedData(typedData: ReturnType<typeof authorizationTypedData>): Promise<Hex>;
}

/** Longest time that a signed authorization stays valid, in seconds, however long the seller asks for. */
export const MAX_LIFETIME = 600;
