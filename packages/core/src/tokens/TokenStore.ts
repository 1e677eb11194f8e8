import type { Queryable } from '@agentpay/primitives';
import type { Token, TokenState } from './Token.js';

const COLUMNS = `id, service_id as "serviceId", provider_id as "providerId", payout_wallet_id as "payoutWalletId",
  consumer_id as "consumerId", wallet_id as "walletId", hold_id as "holdId", payment_id as "paymentId", amount, currency,
  sla_seconds as "slaSeconds", state, deadline, issued_at as "issuedAt", expires_at as "expiresAt", redeemed_at as "redeemedAt",
  started_at as "startedAt", accepted_at as "acceptedAt", ended_at as "endedAt"`;

export async function insertToken(db: Queryable, token: Token): Promise<void> {
  await db.query(
    `insert into payment_tokens (id, service_id, provider_id, payout_wallet_id, consumer_id, wallet_id, hold_id, amount, currency,
       sla_seconds, state, deadline, issued_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    [
      token.id,
      token.serviceId,
      token.providerId,
      token.payoutWalletId,
      token.consumerId,
      token.walletId,
      token.holdId,
      token.amount,
      token.currency,
      token.slaSeconds,
      token.state,
      token.deadline,
      token.issuedAt,
      token.expiresAt,
    ],
  );
}

export async function findToken(db: Queryable, id: string): Promise<Token | undefined> {
  const [token] = await db.query<Token>(`select ${COLUMNS} from payment_tokens where id = $1`, [id]);
  return token;
}

/** Locks the token's row until the transaction ends; waits for whoever has it. */
export async function lockToken(db: Queryable, id: string): Promise<Token | undefined> {
  const [token] = await db.query<Token>(
    `select ${COLUMNS} from payment_tokens where id = $1 for no key update`,
    [id],
  );
  return token;
}

/** {@link lockToken}, but undefined when somebody else has it. */
export async function lockTokenIfFree(db: Queryable, id: string): Promise<Token | undefined> {
  const [token] = await db.query<Token>(
    `select ${COLUMNS} from payment_tokens where id = $1 for no key update skip locked`,
    [id],
  );
  return token;
}

/** Writes what a transition changed; false unless the token was still in the state `from`. */
export async function updateToken(db: Queryable, token: Token, from: TokenState): Promise<boolean> {
  const rows = await db.query(
    `update payment_tokens
     set state = $3, deadline = $4, redeemed_at = $5, started_at = $6, accepted_at = $7, ended_at = $8, payment_id = $9
     where id = $1 and state = $2 returning id`,
    [
      token.id,
      from,
      token.state,
      token.deadline,
      token.redeemedAt,
      token.startedAt,
      token.acceptedAt,
      token.endedAt,
      token.paymentId,
    ],
  );
  return rows.length === 1;
}

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
export async function selectDue(db: Queryable, at: Date, limit: number): Promise<string[]> {
  const rows = await db.query<{ id: string }>(
    'select id from payment_tokens where deadline <= $1 order by deadline limit $2',
    [at, limit],
  );
  return rows.map((row) => row.id);
}

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
