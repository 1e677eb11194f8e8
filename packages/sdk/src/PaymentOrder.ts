/** What AgentPay is shown where it makes the proof of a purchase. */
export interface PaymentOrder {
  /** A `PAYMENT-REQUIRED` header with one offer, so that AgentPay can pay no other. */
  readonly demand: string;
  readonly idempotencyKey: string;
  /** Hash of the transfer, once it is made. */
  readonly transaction?: string;
}
