import type { Queryable } from '@agentpay/primitives';
import type { DueRows } from '../attempts.js';
import { entity } from '../batch/index.js';
import { lookUp } from '../lookUp.js';
import { table } from '../table.js';
import type { GatewayCall } from './Call.js';
import type { Gateway, MonthUsage, Quota } from './Gateway.js';

export const gateways = table<Gateway>('gateways', {
  id: 'text',
  name: 'text',
  walletId: 'text',
  orgId: 'text',
  callbackUrl: 'text',
  keyless: 'boolean',
  createdAt: 'timestamptz',
});

export const findGateway = lookUp<Gateway>(
  (db, ids) => gateways.select(db, 'where id in (select * from unnest($1::text[]))', [ids]),
  ({ id }) => id,
);

/** A quota as a gateway asked for it. */
interface Provision {
  readonly id: string;
  readonly gatewayId: string;
  readonly listingId: string;
  readonly quota: bigint;
  readonly createdAt: Date;
}

export const provisions = table<Provision>('gateway_provisions', {
  id: 'text',
  gatewayId: 'text',
  listingId: 'text',
  quota: 'bigint',
  createdAt: 'timestamptz',
});

export const quotas = entity<Quota>({
  table: table<Quota>('gateway_quotas', {
    gatewayId: 'text',
    listingId: 'text',
    provisionId: 'text',
    quota: 'bigint',
    used: 'bigint',
  }),
  key: ['gatewayId', 'listingId'],
  guard: ['provisionId', 'used'],
  changes: ['provisionId', 'quota', 'used'],
  rank: 45,
});

export const usage = entity<MonthUsage>({
  table: table<MonthUsage>('gateway_usage', {
    gatewayId: 'text',
    month: 'text',
    amount: 'bigint',
    calls: 'bigint',
  }),
  key: ['gatewayId', 'month'],
  guard: ['calls'],
  changes: ['amount', 'calls'],
  blank: (gatewayId = '', month = '') => ({ gatewayId, month, amount: 0n, calls: 0n }),
  rank: 72,
});

export const calls = table<GatewayCall>('gateway_calls', {
  id: 'text',
  gatewayId: 'text',
  walletId: 'text',
  listingId: 'text',
  developerId: 'text',
  payoutWalletId: 'text',
  provisionId: 'text',
  method: 'text',
  price: 'bigint',
  holdId: 'text',
  status: 'text',
  input: 'jsonb',
  output: 'jsonb',
  failure: 'text',
  windowSeconds: 'integer',
  idempotencyKey: 'text',
  digest: 'text',
  queuedAt: 'timestamptz',
  startedAt: 'timestamptz',
  deadline: 'timestamptz',
  endedAt: 'timestamptz',
});

/** For how long a call that is under way may be taken from the cache: most end sooner. */
const UNDER_WAY_MS = 10_000;

export const callRows = entity<GatewayCall>({
  table: calls,
  key: ['id'],
  guard: ['status'],
  changes: ['status', 'output', 'failure', 'startedAt', 'deadline', 'endedAt'],
  rank: 20,
  keptMs: UNDER_WAY_MS,
  kept: ({ endedAt }) => endedAt === null,
});

/** A call by the key that its gateway gave it: a new one, as a rule. */
export const callKeys = entity<GatewayCall>({
  table: calls,
  key: ['gatewayId', 'idempotencyKey'],
  rank: 20,
  assumedAbsent: true,
});

/** Calls that no process has begun although they are queued since `before`, longest waiting first. */
export function listForgotten(db: Queryable, before: Date, limit: number): Promise<{ id: string }[]> {
  return db.query(
    `select id from gateway_calls where status = 'queued' and queued_at <= $1 order by queued_at limit $2`,
    [before, limit],
  );
}

/** Running calls whose process has not ended them in time. */
export const leftCalls: DueRows = {
  select: `select ${calls.columns} from gateway_calls`,
  where: `status = 'running' and deadline <= $1`,
  order: 'deadline, id',
};
