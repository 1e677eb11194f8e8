import type { Queryable, SqlValue } from '@agentpay/primitives';
import type { Counted, Page } from '../Page.js';
import { table } from '../table.js';
import type { AuditEntry } from './AuditEntry.js';

export const entries = table<AuditEntry>('audit_log', {
  id: 'text',
  at: 'timestamptz',
  credentialId: 'text',
  actorId: 'text',
  tenantIds: 'text[]',
  act: 'text',
  subject: 'text',
  before: 'jsonb',
  after: 'jsonb',
  requestId: 'text',
});

/** Whether the open transaction has written an entry of this request. The id alone says nothing: callers may give the same one twice. */
export async function isWritten(tx: Queryable, requestId: string | undefined): Promise<boolean> {
  const rows = await tx.query(
    'select 1 from audit_log where request_id = $1 and xmin = pg_current_xact_id()::xid limit 1',
    [requestId ?? null],
  );
  return rows.length > 0;
}

/** Whether one of these acts was ever done to a subject, for a party where one is named. */
export async function wasDone(
  db: Queryable,
  { acts, subject, tenantId }: { acts: readonly string[]; subject: string; tenantId?: string | undefined },
): Promise<boolean> {
  const rows = await db.query(
    `select 1 from audit_log where subject = $1 and act = any($2::text[]) and ($3::text is null or $3 = any(tenant_ids)) limit 1`,
    [subject, acts, tenantId ?? null],
  );
  return rows.length > 0;
}

export interface AuditFilter {
  /** Concerning this party. */
  readonly tenantId?: string | undefined;
  /** Done by this party. */
  readonly actorId?: string | undefined;
  readonly act?: string | undefined;
  /** Done to what has this id. */
  readonly subject?: string | undefined;
}

/** Newest first. */
export async function selectEntries(
  db: Queryable,
  filter: AuditFilter,
  wanted: Page,
): Promise<{ entries: AuditEntry[] } & Counted> {
  const params: SqlValue[] = [];
  const { tenantId, actorId, act, subject } = filter;
  const terms: string[] = [];
  if (tenantId !== undefined) terms.push(`tenant_ids @> array[$${params.push(tenantId)}::text]`);
  if (actorId !== undefined) terms.push(`actor_id = $${params.push(actorId)}`);
  if (act !== undefined) terms.push(`act = $${params.push(act)}`);
  if (subject !== undefined) terms.push(`subject = $${params.push(subject)}`);
  const where = terms.join(' and ') || 'true';
  const { rows, ...counted } = await entries.page(db, {
    where,
    params,
    order: { by: ['at', 'id'], descending: true },
    ...wanted,
  });
  return { entries: rows, ...counted };
}
