import { parseShape, toBase64 } from '../encoding/Json.js';
import { offersGasSponsoring, withGasSponsoring, type GasSponsoring } from '../x402/gasSponsoring.js';
import type { ExactPermit2Payload } from '../x402/permit2.js';
import * as x402v2 from '../x402/v2.js';
import { MAX_PROOF } from './readTransfers.js';
import {
  readTransfer,
  refuseOffer,
  type PaymentDemand,
  type TransferBuyer,
  type TransferOffer,
} from './TransferOffer.js';
import { writtenDemand } from './writtenDemand.js';

/** One way to pay by Permit2 without gas, acceptable but for its price. */
export interface PermitOffer extends Omit<TransferOffer, 'nonce' | 'method' | 'seal'> {
  readonly method: 'permit2';
  seal(signed: SignedPermits): string;
}

/** Both signatures of a payer: the one that pays, and the one that lets Permit2 move the token. */
export interface SignedPermits {
  readonly payload: ExactPermit2Payload;
  readonly sponsoring: GasSponsoring;
}

/**
 * The offers in a `PAYMENT-REQUIRED` header that are paid by Permit2, each to be read for itself. The payer has no gas, so that only those
 * are taken whose seller has its permit brought to the chain (`eip2612GasSponsoring`).
 */
export function readPermits(demand: PaymentDemand, buyer: TransferBuyer): (() => PermitOffer)[] {
  const written = writtenDemand(demand);
  if (!Array.isArray(written?.accepts)) return [];
  const { accepts, resource, extensions } = written;
  return accepts.filter(isPermit2).map((accepted: unknown) => () => {
    const entry = parseShape(x402v2.paymentRequirementsSchema, accepted, 'x402 v2 offer');
    const read = readTransfer(buyer, demand.url, entry, 'permit2');
    if (!offersGasSponsoring(extensions))
      throw refuseOffer('gas_not_sponsored', 'The seller has nobody who pays the gas of the permit.');
    return {
      method: 'permit2',
      dialect: 'x402v2',
      ...read,
      lifetime: () => entry.maxTimeoutSeconds,
      header: x402v2.PAYMENT_SIGNATURE,
      seal({ payload, sponsoring }) {
        const proof = { x402Version: 2, payload, ...(resource != null && { resource }), accepted };
        const whole = toBase64({ ...proof, extensions: withGasSponsoring(extensions, sponsoring) });
        if (whole.length <= MAX_PROOF) return whole;
        return toBase64({ ...proof, extensions: withGasSponsoring(undefined, sponsoring) });
      },
    };
  });
}

function isPermit2(accepted: unknown): boolean {
  const entry = accepted as { scheme?: unknown; extra?: { assetTransferMethod?: unknown } | null } | null;
  return entry?.scheme === 'exact' && entry.extra?.assetTransferMethod === 'permit2';
}
