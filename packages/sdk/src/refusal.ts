import { fromBase64, x402v1, x402v2 } from '@agentpay/protocol';

/** The code that a second 402 gives for its refusal, wherever the dialect puts it; undefined when it gives none. */
export function refusalOf({ headers }: Response, body: Uint8Array | undefined): string | undefined {
  const settlement = headers.get(x402v2.PAYMENT_RESPONSE) ?? headers.get(x402v1.X_PAYMENT_RESPONSE);
  const required = headers.get(x402v2.PAYMENT_REQUIRED);
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
