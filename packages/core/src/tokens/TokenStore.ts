import type { Queryable } from '@agentpay/primitives';
import type { DueRows } from '../attempts.js';
import { entity } from '../batch/index.js';
import { table } from '../table.js';
import type { Token } from './Token.js';

export const paymentTokens = table<Token>('payment_tokens', {
  id: 'text',
  serviceId: 'text',
  providerId: 'text',
  payoutWalletId: 'text',
  consumerId: 'text',
  walletId: 'text',
  holdId: 'text',
  paymentId: 'text',
  amount: 'bigint',
  currency: 'text',
  slaSeconds: 'integer',
  state: 'text',
  deadline: 'timestamptz',
  issuedAt: 'timestamptz',
  expiresAt: 'timestamptz',
  redeemedAt: 'timestamptz',
  startedAt: 'timestamptz',
  acceptedAt: 'timestamptz',
  endedAt: 'timestamptz',
});

export const tokenRows = entity<Token>({
  table: paymentTokens,
  key: ['id'],
  guard: ['state', 'deadline'],
  changes: ['state', 'deadline', 'redeemedAt', 'startedAt', 'acceptedAt', 'endedAt', 'paymentId'],
  rank: 20,
  watched: true,
});

/** What the tracker knows of a token that can still change. */
export type OpenToken = Pick<Token, 'id' | 'state'> & { readonly deadline: Date };

/** Tokens that can still change, issued by `issuedBy`, in the order of their deadlines; those after `after`. */
export function selectOpen(
  db: Queryable,
  { issuedBy, after, limit }: { issuedBy: Date; after: OpenToken | undefined; limit: number },
): Promise<OpenToken[]> {
  const from = after ?? { id: '', deadline: new Date(0) };
  return db.query<OpenToken>(
    `select id, state, deadline from payment_tokens
     where deadline is not null and issued_at <= $1 and (deadline, id) > ($2, $3) order by deadline, id limit $4`,
    [issuedBy, from.deadline, from.id, limit],
  );
}

/** Tokens whose deadline has come, longest overdue first. */
export const dueRows: DueRows = {
  select: 'select id from payment_tokens',
  where: 'deadline <= $1',
  order: 'deadline, id',
};

interface Calls {
  readonly settled: number;
  readonly breached: number;
  readonly failed: number;
  /** Milliseconds from started to completed; null without a settled call. */
  readonly p50: number | null;
  readonly p95: number | null;
  readonly max: number | null;
}

/** Calls of a service that ended since a moment. A refunded call was settled. */
export async function readCalls(
  db: Queryable,
  { serviceId, from }: { serviceId: string; from: Date },
): Promise<Calls> {
  const [row] = await db.query<Calls>(
    `select count(*) filter (where ms is not null)::integer as settled,
       count(*) filter (where state = 'sla_breached')::integer as breached,
       count(*) filter (where state = 'failed')::integer as failed,
       percentile_disc(0.5) within group (order by ms) as p50,
       percentile_disc(0.95) within group (order by ms) as p95,
       max(ms) as max
     from (
       select state, case when state in ('settled', 'refunded')
         then (extract(epoch from ended_at - started_at) * 1000)::float8 end as ms
       from payment_tokens where service_id = $1 and ended_at >= $2
     ) as calls`,
    [serviceId, from],
  );
  return row as Calls;
}
