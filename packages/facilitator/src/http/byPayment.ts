import { AgentPayError, type Network } from '@agentpay/primitives';
import {
  addressSchema,
  paymentHash,
  paymentKeyIn,
  PERMIT2,
  x402v1,
  x402v2,
  type PaymentKey,
  type SettlementStatus,
} from '@agentpay/protocol';
import type { Express, Request } from 'express';
import { z } from 'zod';
import type { SettlementBook, SettlementRecord } from '../operations/SettlementBook.js';
import type { Access } from './access.js';
import { readQuery } from './query.js';

export interface ByPaymentOptions {
  readonly book: SettlementBook;
  readonly access: Access;
}

const keyQuery = z.object({
  network: z.string().max(64).optional(),
  asset: addressSchema.optional(),
  payer: addressSchema,
  nonce: z.string().regex(/^0x[0-9a-fA-F]{64}$/, 'must be 32 bytes of hex'),
});

/**
 * `GET /settlements/by-payment/{payment hash}`: what became of a payment, for whoever shows the payment itself in the header in which a
 * buyer sends it, or has a key of the scope `settle` and says `payer` and `nonce`. Nothing is moved.
 */
export function byPaymentRoute(app: Express, { book, access }: ByPaymentOptions): void {
  app.get('/settlements/by-payment/:hash', async (req, res) => {
    const shown = proofIn(req);
    await access(shown === undefined ? 'settle' : 'public', req, res);
    const key = shown === undefined ? keyIn(req, book.network) : paymentKeyIn(shown);
    if (paymentHash(key) !== req.params['hash']?.toLowerCase())
      throw new AgentPayError('invalid_request', 'The hash is not that of this payment.', { param: 'hash' });
    const record = await book.find(key);
    if (!record)
      throw new AgentPayError('not_found', 'No settlement of this payment is known here.', {
        reason: 'settlement_not_known',
      });
    res.json(statusOf(record));
  });
}

function proofIn(req: Request): string | undefined {
  return req.get(x402v2.PAYMENT_SIGNATURE) ?? req.get(x402v1.X_PAYMENT);
}

function keyIn(req: Request, network: Network): PaymentKey {
  const {
    network: id = network.id,
    asset = network.usdc.address,
    payer,
    nonce,
  } = readQuery(keyQuery, req.query);
  return {
    network: id,
    asset: asset.toLowerCase() === PERMIT2.toLowerCase() ? PERMIT2 : asset,
    payer,
    nonce,
  };
}

/** A claim or a transaction that is under way may still go either way, and is never called a failure. */
function statusOf(record: SettlementRecord): SettlementStatus {
  const { state, transaction, network, payer, payTo, amount, explorer, reason, updatedAt } = record;
  const isOpen = state === 'claimed' || state === 'sent';
  return {
    state: isOpen ? 'pending' : state,
    transaction,
    network,
    payer,
    pay_to: payTo,
    amount,
    explorer,
    reason: isOpen ? null : reason,
    updated_at: updatedAt.toISOString(),
  };
}
