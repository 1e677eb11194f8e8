import { AgentPayError, type ErrorName, type ErrorOptions } from '@agentpay/primitives';
import type { PaymentMade } from './Receipt.js';

/** Why a request that costs money has no answer. `kind`, `reason` and `hint` are for programs, the message for people. */
export class PaymentError extends AgentPayError {
  /** The seller's last answer, its body unread; none when there was no answer. */
  readonly response: Response | undefined;
  /** What was signed, if anything was. */
  readonly payment: PaymentMade | undefined;

  constructor(
    kind: ErrorName,
    message: string,
    options: ErrorOptions & { readonly response?: Response; readonly payment?: PaymentMade } = {},
  ) {
    super(kind, message, options);
    this.response = options.response;
    // Whoever prints the error wants to read why, and not what a response is made of.
    Object.defineProperty(this, 'response', { enumerable: false });
    this.payment = options.payment;
  }
}
