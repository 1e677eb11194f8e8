import type { Address, GasSponsoring, Hex, Permit2Authorization, Reason } from '@agentpay/protocol';
import type { Call, CallResult, TokenAllowance } from '@agentpay/evm';
import type { Order, SchemeName } from './Scheme.js';
import type { PaymentTerms } from './terms.js';

/** A permit for either proxy; only that for `upto` names the facilitator. */
export type Permit = Permit2Authorization<{
  readonly to: Address;
  readonly validAfter: bigint;
  readonly facilitator?: Address;
}>;

/** What the two schemes that pay by Permit2 do not share. */
export interface Permit2Kind {
  readonly name: SchemeName;
  readonly scheme: 'exact' | 'upto';
  /** Whom the payer lets spend. */
  readonly proxy: Address;
  readonly reasons: { readonly scheme: Reason; readonly network: Reason };
  /** @throws when the payload has another shape */
  readPayload(payload: unknown): { readonly permit: Permit; readonly signature: Hex };
  toPermit(wire: Order['authorization']): Permit;
  fromPermit(permit: Permit): Order['authorization'];
  digest(chainId: number, permit: Permit): Uint8Array;
  /** @param allowance the payer's permit of the token, which goes to the chain with the payment */
  settleCall(permit: Permit, amount: bigint, signature: Hex, allowance?: TokenAllowance): Call;
  /** Whether payments of this kind may bring the payer's permit of the token along (`eip2612GasSponsoring`). */
  readonly sponsored: boolean;
}

/** A payment by Permit2: the payer signs what an x402 proxy may take from the tokens that Permit2 was allowed to move. */
export interface Permit2Payment extends PaymentTerms {
  readonly kind: Permit2Kind;
  readonly permit: Permit;
  readonly signature: Hex;
  /** What lets Permit2 move the token, where the payer leaves its gas to us. */
  readonly sponsoring: GasSponsoring | undefined;
}

/** What the chain says of a payment. */
export interface Permit2Findings {
  readonly nonces: CallResult;
  readonly balance: CallResult;
  readonly allowance: CallResult;
  /** The payer's account takes the signature by ERC-1271; asked only when it is not the payer's own ECDSA signature. */
  readonly account: CallResult | undefined;
  readonly settle: CallResult;
}
