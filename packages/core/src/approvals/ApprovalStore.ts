import type { Queryable } from '@agentpay/primitives';
import type { DueRows } from '../attempts.js';
import { entity } from '../batch/index.js';
import { newestFirst } from '../keyset.js';
import type { Counted, Page } from '../Page.js';
import { ifGiven, table } from '../table.js';
import type { Approval, ApprovalStatus } from './Approval.js';

export const approvals = table<Approval>('approvals', {
  id: 'text',
  payerId: 'text',
  ownerId: 'text',
  subject: 'text',
  reference: 'text',
  amount: 'bigint',
  currency: 'text',
  payee: 'text',
  rail: 'text',
  description: 'text',
  ruleId: 'text',
  status: 'text',
  note: 'text',
  createdAt: 'timestamptz',
  expiresAt: 'timestamptz',
  decidedAt: 'timestamptz',
  decidedBy: 'text',
  usedBy: 'text',
});

export const approvalRows = entity<Approval>({
  table: approvals,
  key: ['id'],
  guard: ['status', 'usedBy', 'expiresAt'],
  changes: ['status', 'note', 'expiresAt', 'decidedAt', 'decidedBy', 'usedBy'],
  rank: 35,
});

/** The last approval that was asked for under a reference. */
export async function findLast(
  db: Queryable,
  { payerId, subject, reference }: Pick<Approval, 'payerId' | 'subject' | 'reference'>,
): Promise<Approval | undefined> {
  const [last] = await approvals.select(
    db,
    'where payer_id = $1 and subject = $2 and reference = $3 order by created_at desc, id desc limit 1',
    [payerId, subject, reference],
  );
  return last;
}

export async function countPending(db: Queryable, payerId: string): Promise<number> {
  const [row] = await db.query<{ count: bigint }>(
    `select count(*) from approvals where payer_id = $1 and status = 'pending'`,
    [payerId],
  );
  return Number(row?.count ?? 0n);
}

/** Approvals that concern the party, or all when there is none, newest first. */
export async function selectApprovals(
  db: Queryable,
  {
    partyId,
    payerId,
    status,
    ...wanted
  }: { partyId: string | null; payerId: string | null; status: ApprovalStatus | null } & Page,
): Promise<{ approvals: Approval[] } & Counted> {
  const { rows, ...counted } = await approvals.page(db, {
    where: `${ifGiven(partyId, '$1::text is not null')} and ${ifGiven(status, 'status = $2')}
      and ${ifGiven(payerId, 'payer_id = $3')}`,
    either: partyId === null ? undefined : ['payer_id = $1', 'owner_id = $1'],
    params: [partyId, status, payerId],
    order: newestFirst,
    ...wanted,
  });
  return { approvals: rows, ...counted };
}

/** Ids of those that nobody decided in time, longest overdue first. */
export const dueRows: DueRows = {
  select: 'select id from approvals',
  where: `status = 'pending' and expires_at <= $1`,
  order: 'expires_at, id',
};
