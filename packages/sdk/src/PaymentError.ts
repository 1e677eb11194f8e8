import { AgentPayError, type ErrorName, type ErrorOptions } from '@agentpay/primitives';
import type { PaymentMade } from './Receipt.js';

/** Why a request that costs money has no response. `kind`, `reason` and `hint` are for programs, the message for people. */
export class PaymentError extends AgentPayError {
  /** The seller's last response, its body unread; undefined when there was none. */
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
    // Keeps printed errors short.
    Object.defineProperty(this, 'response', { enumerable: false });
    this.payment = options.payment;
  }
}
