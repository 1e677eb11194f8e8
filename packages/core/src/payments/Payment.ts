import { share } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';

/** Money that went from one agent to another. */
export interface Payment {
  /** `tx_...` */
  readonly id: string;
  /** How it was paid: "x402" by payment token. */
  readonly rail: 'x402';
  readonly payerId: string;
  readonly payerWalletId: string;
  readonly payeeId: string;
  readonly payeeWalletId: string;
  /** What the payer paid, in micro-units. */
  readonly amount: Amount;
  /** What the platform kept of it. */
  readonly fee: Amount;
  readonly currency: string;
  readonly status: 'completed' | 'refunded';
  readonly serviceId: string | null;
  readonly createdAt: Date;
  readonly completedAt: Date;
}

/** The platform's share of a call's price, rounded half up and never above the price. */
export function callFee(gross: Amount, ratePpm: bigint): Amount {
  const fee = share(gross, ratePpm);
  return fee > gross ? gross : fee;
}
