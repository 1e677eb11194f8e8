import type { Amount } from '@agentpay/primitives';
import type { ExactPayload, Hex, x402v2 } from '@agentpay/protocol';

/** What an agreement with direct payment moves on the chain: what the buyer signed, kept before anything is sent. */
export interface DirectPurchase {
  /** Of the agreement. */
  readonly id: string;
  /** CAIP-2 id. */
  readonly network: string;
  /** Lower case, as is `payee`. */
  readonly payer: string;
  readonly payee: string;
  readonly amount: Amount;
  /** Collected before the payment, on top of it. */
  readonly fee: Amount;
  readonly payment: DirectPayment;
  /** Of the payment: it buys once. */
  readonly paymentNonce: string;
  readonly permit: SignedPermit;
  /** Transactions. */
  readonly feeHash: string | null;
  readonly paymentHash: string | null;
  readonly returnHash: string | null;
  /** Since when the fee is being given back. */
  readonly returnSince: Date | null;
  readonly attempts: number;
  /** When it is looked at next; null: as soon as its agreement has something to do. */
  readonly nextAt: Date | null;
  /** Until then one instance works on it. */
  readonly claimedUntil: Date | null;
}

/** The buyer's payment, as a facilitator takes it. */
export interface DirectPayment {
  readonly accepted: x402v2.PaymentRequirements;
  readonly payload: ExactPayload;
}

/** A permit of EIP-2612; numbers as decimal text. */
export interface SignedPermit {
  readonly spender: Hex;
  readonly nonce: string;
  readonly deadline: string;
  readonly signature: Hex;
}

/** For how long buyers sign: facilitators take payments that are good for an hour at most. */
export const SIGNED_SECONDS = 3_000;
/** What is left of that when the seller accepts is enough to collect the fee and to settle the payment. */
export const LEFT_SECONDS = 60;
