import { settlementStatus, type SettlementStatus } from '@agentpay/protocol';
import type { ClientSettings } from './options.js';
import type { SignedPurchase } from './Purchase.js';

const ASK_MS = 10_000;

/**
 * What the buyer's own facilitator knows of a payment whose outcome the seller does not tell; nothing is moved by asking. Undefined
 * without such a facilitator, for dialects that it does not read, and when it has never heard of the payment or gives no response.
 */
export async function settlementOf(
  { facilitator, fetch }: ClientSettings,
  { dialect, proof }: SignedPurchase,
): Promise<SettlementStatus | undefined> {
  if (facilitator === undefined || (dialect !== 'x402v2' && dialect !== 'x402v1')) return undefined;
  try {
    return await settlementStatus({ facilitator, payment: proof, fetch, timeoutMs: ASK_MS });
  } catch {
    return undefined;
  }
}

/** The same in words, to follow the sentence of an error. */
export function settlementSentence(settlement: SettlementStatus | undefined): string {
  switch (settlement?.state) {
    case 'settled':
      return ` The facilitator has settled it${settlement.transaction === null ? '' : ` in ${settlement.transaction}`}.`;
    case 'pending':
      return ' The facilitator is settling it.';
    case 'failed':
      return ` The facilitator has not settled it${settlement.reason === null ? '' : `: ${settlement.reason}`}.`;
    default:
      return '';
  }
}
