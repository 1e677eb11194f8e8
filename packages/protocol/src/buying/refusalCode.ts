import { fromBase64 } from '../encoding/Json.js';
import * as x402v1 from '../x402/v1.js';
import * as x402v2 from '../x402/v2.js';
import type { PaymentDemand } from './TransferOffer.js';

/** The code that a 402 after a payment gives for its refusal, wherever the dialect puts it; undefined when it gives none. */
export function refusalCode(
  header: PaymentDemand['header'],
  body: Uint8Array | undefined,
): string | undefined {
  const settlement = header(x402v2.PAYMENT_RESPONSE) ?? header(x402v1.X_PAYMENT_RESPONSE);
  const required = header(x402v2.PAYMENT_REQUIRED);
  const settled = membersOf(() => fromBase64(settlement ?? ''));
  const demand = membersOf(() => fromBase64(required ?? ''));
  const written = membersOf(() => JSON.parse(new TextDecoder().decode(body)));
  const codes = [settled['errorReason'], written['code'], demand['error'], written['error'], written['type']];
  const code = codes.find((value) => typeof value === 'string' && value !== '') as string | undefined;
  return code?.replace(/\p{Cc}/gu, ' ').slice(0, 200);
}

function membersOf(read: () => unknown): Record<string, unknown> {
  try {
    return Object(read()) as Record<string, unknown>;
  } catch {
    return {};
  }
}
