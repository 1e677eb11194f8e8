import type { AuthCaptureExtra, AuthCapturePayload, Hex, PaymentInfo } from '@agentpay/protocol';
import type { CallResult } from '@agentpay/evm';
import type { PaymentTerms } from '../terms.js';

/** A payment by scheme `auth-capture`: the payer signs what the escrow may take and hold for the receiver. */
export interface HoldPayment extends PaymentTerms {
  readonly extra: AuthCaptureExtra;
  readonly payload: AuthCapturePayload;
  /** Longest time that the seller gives payers for their signature, in seconds. */
  readonly maxTimeoutSeconds: number;
  readonly info: PaymentInfo;
  /** The escrow's name of it. */
  readonly id: Hex;
  /** The payer's signature as the collector takes it. */
  readonly signature: Hex;
  /** The account does not exist yet (ERC-6492). */
  readonly isUndeployed: boolean;
}

/** What the chain says of a payment. */
export interface HoldFindings {
  readonly state: CallResult;
  readonly balance: CallResult;
  /** The account's response to the question whether the signature is its own (ERC-1271). No data: it has no code. */
  readonly account: CallResult;
  /** What Permit2 may move of the payer's; asked only where it does. */
  readonly allowance: CallResult | undefined;
  readonly authorize: CallResult;
}
