import { formatDecimal, type PaymentNetwork } from '@agentpay/primitives';
import { z } from 'zod';
import type { Scene } from '../batch/index.js';
import type { Core } from '../Core.js';
import { emitIn, eventType } from '../events/index.js';
import { amountOf, railOf } from './Purchase.js';
import type { Purchase, PurchaseTerms } from './Purchase.js';

const text = z.string();

/** A payment was refused by the limits and rules of its payer, or for want of money: nothing was signed. */
export const paymentRejected = eventType('payment.rejected', {
  id: text,
  purchase_id: text,
  reason: text,
  protocol: text,
  network: text,
  asset: text,
  amount: text,
  pay_to: text,
  url: text,
});

const withdrawal = {
  id: text,
  to: text,
  network: text,
  asset: text,
  amount: text,
  transaction: text.nullable(),
};

/** Money of an agent's wallet is to leave it; its owner has to confirm that. */
export const withdrawalRequested = eventType('withdrawal.requested', withdrawal);
/** It has left the wallet. */
export const withdrawalCompleted = eventType('withdrawal.completed', withdrawal);
/** It did not leave the wallet, and cannot any more. */
export const withdrawalFailed = eventType('withdrawal.failed', withdrawal);

/** What every event about a withdrawal tells, and whom. */
export function withdrawalObject({ id, partyId, terms, reference }: Purchase, { asset }: PaymentNetwork) {
  const { network, amount, payTo: to } = terms as PurchaseTerms;
  return {
    subject: id,
    audience: [{ id: partyId }],
    object: {
      id,
      to,
      network,
      asset: asset.address,
      amount: formatDecimal(BigInt(amount), asset.decimals),
      transaction: reference,
    },
  };
}

export function tellRejected(
  core: Core,
  scene: Scene,
  { id, partyId, url }: Purchase,
  { reason, terms, decimals }: { reason: string; terms: PurchaseTerms; decimals: number },
): void {
  emitIn(core, scene, paymentRejected, {
    subject: id,
    audience: [{ id: partyId }],
    object: {
      id,
      purchase_id: id,
      reason,
      protocol: railOf(terms.dialect),
      network: terms.network,
      asset: terms.asset,
      amount: formatDecimal(amountOf(terms), decimals),
      pay_to: terms.payTo,
      url,
    },
  });
}
