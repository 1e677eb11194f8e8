import { AgentPayError, type ErrorName, type ErrorOptions } from '@agentpay/primitives';
import type { SettlementStatus } from '@agentpay/protocol';
import type { PaymentMade } from './Receipt.js';
import { requestIdIn } from './requestIdIn.js';

type PaymentErrorOptions = ErrorOptions & {
  readonly response?: Response;
  readonly payment?: PaymentMade;
  readonly settlement?: SettlementStatus | undefined;
};

/** Why a request that costs money has no response. `kind`, `reason` and `hint` are for programs, the message for people. */
export class PaymentError extends AgentPayError {
  /** The seller's last response, its body unread; undefined when there was none. */
  readonly response: Response | undefined;
  /** What was signed, if anything was. */
  readonly payment: PaymentMade | undefined;
  /** What the client's facilitator knows of the payment, where one is given and knows it. */
  readonly settlement: SettlementStatus | undefined;
  /** Id that the server gave its last response (`X-Request-Id`), for questions to the seller. */
  readonly requestId: string | undefined;

  constructor(kind: ErrorName, message: string, options: PaymentErrorOptions = {}) {
    super(kind, message, options);
    this.response = options.response;
    // Keeps printed errors short.
    Object.defineProperty(this, 'response', { enumerable: false });
    this.payment = options.payment;
    this.settlement = options.settlement;
    this.requestId = requestIdIn(options.response?.headers);
  }
}
