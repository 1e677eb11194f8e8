import type { AuthCaptureOrder, Hex, PaymentInfo } from '@agentpay/protocol';
import type { Purchase } from './Purchase.js';

/** What somebody has asked a facilitator for, and was told. */
export type Asked = Pick<Purchase, 'label' | 'request' | 'answer' | 'open'>;

/** Money that a payer has let the escrow hold. */
export interface Hold extends Asked {
  readonly info: PaymentInfo;
  readonly saltNonce: Hex;
  readonly id: Hex;
}

/** What the receiver's side has ordered about a hold. */
export interface Ordered extends Asked {
  readonly hold: Hold;
  readonly order: AuthCaptureOrder;
}

/** Holds and orders of a history. */
export interface EscrowBook {
  readonly holds: Hold[];
  readonly orders: Ordered[];
}
