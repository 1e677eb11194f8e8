import type { Queryable } from '@agentpay/primitives';
import { entity } from '../batch/index.js';
import { newestFirst } from '../keyset.js';
import type { Counted, Page } from '../Page.js';
import { ifGiven, table } from '../table.js';
import type { Dispute, DisputeStatus, Evidence } from './Dispute.js';

export const disputes = table<Dispute>('disputes', {
  id: 'text',
  paymentId: 'text',
  invoiceId: 'text',
  agreementId: 'text',
  openerId: 'text',
  otherId: 'text',
  reason: 'text',
  description: 'text',
  status: 'text',
  note: 'text',
  createdAt: 'timestamptz',
  resolvedAt: 'timestamptz',
});

export const evidence = table<Evidence>('dispute_evidence', {
  id: 'text',
  disputeId: 'text',
  partyId: 'text',
  type: 'text',
  content: 'text',
  createdAt: 'timestamptz',
});

export const disputeRows = entity<Dispute>({
  table: disputes,
  key: ['id'],
  guard: ['status'],
  changes: ['status', 'note', 'resolvedAt'],
  rank: 30,
});

/** The dispute about a payment: there is none, as a rule. */
export const disputesOfPayments = entity<Dispute>({
  table: disputes,
  key: ['paymentId'],
  rank: 30,
  assumedAbsent: true,
});

export function findDispute(db: Queryable, id: string): Promise<Dispute | undefined> {
  return disputes.find(db, { id });
}

export function lockDispute(db: Queryable, id: string): Promise<Dispute | undefined> {
  return disputes.lock(db, { id });
}

/** Disputes that concern the party, or all when there is none, newest first. */
export async function selectDisputes(
  db: Queryable,
  {
    partyId,
    status,
    about,
    ...wanted
  }: { partyId: string | null; status: DisputeStatus | null; about: 'payment' | 'invoice' | null } & Page,
): Promise<{ disputes: Dispute[] } & Counted> {
  const { rows, ...counted } = await disputes.page(db, {
    where: `${ifGiven(partyId, '$1::text is not null')} and ${ifGiven(status, 'status = $2')}
      and ${ifGiven(about, "(invoice_id is null) = ($3 = 'payment')")}`,
    either: partyId === null ? undefined : ['opener_id = $1', 'other_id = $1'],
    params: [partyId, status, about],
    order: newestFirst,
    ...wanted,
  });
  return { disputes: rows, ...counted };
}

export function selectEvidence(db: Queryable, disputeId: string): Promise<Evidence[]> {
  return evidence.select(db, 'where dispute_id = $1 order by created_at, id', [disputeId]);
}
