import type {
  Address,
  authorizationTypedData,
  escrowTypedData,
  Hex,
  permitTypedData,
} from '@agentpay/protocol';

/** What payers sign: a transfer, one into an escrow that only its collector may send, or a permit for a fee. */
export type SignedByPayers =
  | ReturnType<typeof authorizationTypedData>
  | ReturnType<typeof escrowTypedData>
  | ReturnType<typeof permitTypedData>;

/** EIP-712 typed data, as signers of every kind take it. */
export interface PayersTypedData {
  readonly domain: SignedByPayers['domain'];
  readonly types: Readonly<Record<string, readonly { readonly name: string; readonly type: string }[]>>;
  readonly primaryType: string;
  readonly message: Readonly<Record<string, unknown>>;
}

/** Who pays on a chain. A viem account is one. */
export interface Account {
  readonly address: Address;
  signTypedData(typedData: PayersTypedData): Promise<Hex>;
}

/** Has an account sign what payers sign. */
export function signWith(account: Account, { message, ...data }: SignedByPayers): Promise<Hex> {
  return account.signTypedData({ ...data, message: { ...message } });
}

/** Longest time that a signed authorization stays valid, in seconds, however long the seller asks for. */
export const MAX_LIFETIME = 600;
