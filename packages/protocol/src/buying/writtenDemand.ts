import { fromBase64 } from '../encoding/Json.js';
import * as x402v2 from '../x402/v2.js';
import type { PaymentDemand } from './TransferOffer.js';

/** What is in a `PAYMENT-REQUIRED` header, as the seller wrote it: nothing of it is checked. */
export interface WrittenDemand {
  readonly x402Version?: unknown;
  readonly accepts?: unknown;
  readonly resource?: unknown;
  readonly extensions?: unknown;
}

/** Undefined: there is no such header. */
export function writtenDemand({ header }: Pick<PaymentDemand, 'header'>): WrittenDemand | undefined {
  const required = header(x402v2.PAYMENT_REQUIRED);
  return required === null ? undefined : ((fromBase64(required) as WrittenDemand | null) ?? {});
}
