import { findNetwork } from '@agentpay/primitives';
import { fromBase64 } from '../encoding/Json.js';
import { sameHex } from '../evm/Hex.js';
import * as mpp from '../mpp/Mpp.js';
import * as x402v1 from '../x402/v1.js';
import * as x402v2 from '../x402/v2.js';
import type { PaymentDemand, TransferDialect } from './TransferOffer.js';

/** What a transfer was paid by. */
export interface SentProof {
  readonly dialect: TransferDialect;
  /** CAIP-2 id. */
  readonly network: string;
  /** Value of the header that was sent. */
  readonly proof: string;
}

/** A seller's claim that this payment was settled, by its transaction; undefined without one, or with one for something else. */
export function receiptIn(
  sent: SentProof,
  header: PaymentDemand['header'],
): { readonly transaction: string } | undefined {
  return attempt(() => (sent.dialect === 'mpp' ? mppReceipt(sent, header) : x402Receipt(sent, header)));
}

function mppReceipt({ proof }: SentProof, header: PaymentDemand['header']) {
  const written = header(mpp.PAYMENT_RECEIPT);
  if (written === null) return undefined;
  const { method, challengeId, reference } = mpp.readReceipt(written);
  const other = challengeId !== undefined && challengeId !== mpp.readCredential(proof).challenge.id;
  return method === mpp.EVM_METHOD && !other ? { transaction: reference } : undefined;
}

// Sellers write the header of either version.
function x402Receipt(sent: SentProof, header: PaymentDemand['header']) {
  for (const written of [header(x402v2.PAYMENT_RESPONSE), header(x402v1.X_PAYMENT_RESPONSE)]) {
    const receipt = written === null ? undefined : attempt(() => settledBy(sent, written));
    if (receipt) return receipt;
  }
  return undefined;
}

function settledBy(sent: SentProof, header: string): { transaction: string } | undefined {
  const { success, network, payer, transaction } = x402v2.decodeSettleResponse(header);
  if (!success || (findNetwork(network)?.id ?? network) !== sent.network) return undefined;
  return payer === undefined || sameHex(payer, payerOf(sent)) ? { transaction } : undefined;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function payerOf({ proof }: SentProof): string {
  type Payload = Partial<Record<'authorization' | 'permit2Authorization', { from: string }>>;
  const { payload } = fromBase64(proof) as { payload: Payload };
  return (payload.authorization ?? payload.permit2Authorization)?.from ?? '';
}
