import type { Queryable } from '@agentpay/primitives';
import { table } from '../table.js';
import type { GatewayFunding } from './Funding.js';

export const fundings = table<GatewayFunding>('gateway_fundings', {
  id: 'text',
  gatewayId: 'text',
  walletId: 'text',
  amount: 'bigint',
  source: 'text',
  status: 'text',
  reference: 'text',
  failure: 'text',
  createdAt: 'timestamptz',
  endedAt: 'timestamptz',
});

/** An event of the card processor that was heard. */
interface CardEvent {
  readonly id: string;
  readonly type: string;
  readonly fundingId: string | null;
  readonly receivedAt: Date;
}

export const cardEvents = table<CardEvent>('gateway_card_events', {
  id: 'text',
  type: 'text',
  fundingId: 'text',
  receivedAt: 'timestamptz',
});

/** The funding that an event tells of, by our id or by the one of the processor. */
export function findTold(
  db: Queryable,
  { fundingId, reference }: { fundingId: string | undefined; reference: string | undefined },
): Promise<GatewayFunding | undefined> {
  if (fundingId !== undefined) return fundings.find(db, { id: fundingId, source: 'stripe' });
  if (reference !== undefined) return fundings.find(db, { reference, source: 'stripe' });
  return Promise.resolve(undefined);
}

/**
 * Fundings by card that the processor has not answered about, made before `before` and not older than it remembers; any of them, so that
 * many without a response do not hold up the others.
 */
export function listUnasked(db: Queryable, before: Date, limit: number): Promise<GatewayFunding[]> {
  return fundings.select(
    db,
    `where source = 'stripe' and status = 'processing' and reference is null and created_at <= $1
       and created_at > $1::timestamptz - interval '23 hours' order by random() limit $2`,
    [before, limit],
  );
}

/** What settles a funding on a chain. */
export interface ChainPayment {
  readonly fundingId: string;
  readonly network: string;
  readonly payment: unknown;
  /** What the money is held for as soon as it is there; null: it is the gateway's to spend. */
  readonly authorizes: PaidAuthorization | null;
  readonly authorizationId: string | null;
}

/** An authorization that is paid for on a chain. */
export interface PaidAuthorization {
  readonly memo: string;
  /** The gateway whose key came with the payment; null: the one that the payer's address is bound to. */
  readonly gatewayId: string | null;
}

export const payments = table<ChainPayment>('gateway_chain_payments', {
  fundingId: 'text',
  network: 'text',
  payment: 'jsonb',
  authorizes: 'jsonb',
  authorizationId: 'text',
});

/** Whose gateway is paid for by an address. */
interface PayerAddress {
  /** Lower case. */
  readonly address: string;
  readonly gatewayId: string;
}

export const addresses = table<PayerAddress>('gateway_addresses', { address: 'text', gatewayId: 'text' });

/** Fundings on a chain of which nobody knows what became; any of them, as above. */
export function listUncredited(
  db: Queryable,
  before: Date,
  limit: number,
): Promise<{ readonly fundingId: string; readonly payment: unknown; readonly reference: string }[]> {
  return db.query(
    `select funding_id as "fundingId", payment, reference
     from gateway_chain_payments join gateway_fundings on id = funding_id
     where status = 'processing' and created_at <= $1 order by random() limit $2`,
    [before, limit],
  );
}
