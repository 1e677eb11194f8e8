import type { Authorization, Hex, UnwrappedSignature } from '@agentpay/protocol';
import type { CallResult } from '@agentpay/evm';
import type { PaymentTerms } from './terms.js';

/** A payment by EIP-3009: the payer signs a transfer that anybody may send to the token. */
export interface Eip3009Payment extends PaymentTerms {
  /** EIP-712 name and version of the token, as the seller states them. */
  readonly tokenName: string | undefined;
  readonly tokenVersion: string | undefined;
  readonly authorization: Authorization;
  readonly signature: Hex;
  /** The same without its ERC-6492 wrapper, if it has one. */
  readonly signed: UnwrappedSignature;
  /** What was signed (EIP-712). Worked out when first asked for. */
  digest(): Hex;
}

/** What the chain says of a payment, all from one `eth_call` on one block. */
export interface Eip3009Findings {
  readonly authorizationState: CallResult;
  readonly balance: CallResult;
  /** The account's response to the question whether the signature is its own (ERC-1271). No data: it has no code. */
  readonly account: CallResult;
  /** The deployment of the account, when it has to be tried. */
  readonly deployment: CallResult | undefined;
  readonly transfer: CallResult;
  /** The transaction that would carry it, with its gas and its sender; asked only where code of the payer's choice runs. */
  readonly asSent: CallResult | undefined;
}
