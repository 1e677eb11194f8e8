import type { Queryable } from '@agentpay/primitives';
import type { DueRows } from '../attempts.js';
import { entity } from '../batch/index.js';
import { newestFirst } from '../keyset.js';
import type { Counted, Page } from '../Page.js';
import type { Principal } from '../identity/index.js';
import { ifGiven, table } from '../table.js';
import type { Agreement, AgreementStatus, AgreementUsage } from './Agreement.js';
import type { AgreementHold } from './AgreementHold.js';

export const agreements = table<Agreement>('agreements', {
  id: 'text',
  buyerId: 'text',
  buyerOwnerId: 'text',
  sellerId: 'text',
  sellerOwnerId: 'text',
  serviceId: 'text',
  category: 'text',
  funding: 'text',
  buyerWalletId: 'text',
  sellerWalletId: 'text',
  buyerAddress: 'text',
  sellerAddress: 'text',
  network: 'text',
  currency: 'text',
  cap: 'bigint',
  unit: 'text',
  unitPrice: 'bigint',
  endsAt: 'timestamptz',
  challengeSeconds: 'integer',
  slaSeconds: 'integer',
  description: 'text',
  status: 'text',
  reason: 'text',
  approvalId: 'text',
  used: 'bigint',
  units: 'bigint',
  reserved: 'bigint',
  paid: 'bigint',
  createdAt: 'timestamptz',
  proposedAt: 'timestamptz',
  spentAt: 'timestamptz',
  acceptedAt: 'timestamptz',
  submittedAt: 'timestamptz',
  activatedAt: 'timestamptz',
  challengeEndsAt: 'timestamptz',
  endedAt: 'timestamptz',
  dueAt: 'timestamptz',
  attempts: 'integer',
  activationTx: 'text',
  settlementTx: 'text',
});

export const agreementRows = entity<Agreement>({
  table: agreements,
  key: ['id'],
  guard: ['status', 'used', 'reserved', 'approvalId', 'attempts'],
  changes: [
    'status',
    'reason',
    'approvalId',
    'used',
    'units',
    'reserved',
    'paid',
    'sellerAddress',
    'proposedAt',
    'spentAt',
    'acceptedAt',
    'submittedAt',
    'activatedAt',
    'challengeEndsAt',
    'endedAt',
    'dueAt',
    'attempts',
    'activationTx',
    'settlementTx',
  ],
  rank: 32,
  // While calls are under way many ask for it at once; what may be long is not kept for later.
  keptMs: 10_000,
  kept: ({ status, reserved }) => status === 'active' && reserved > 0n,
});

export const holds = table<AgreementHold>('agreement_holds', {
  agreementId: 'text',
  offer: 'jsonb',
  signature: 'text',
  permit: 'jsonb',
  feeTx: 'text',
  feeReturnTx: 'text',
  feeReturnSince: 'timestamptz',
});

/** What buyers signed to fund agreements on a chain. */
export const holdRows = entity<AgreementHold>({
  table: holds,
  key: ['agreementId'],
  guard: ['signature', 'feeTx', 'feeReturnTx'],
  changes: ['offer', 'signature', 'permit', 'feeTx', 'feeReturnTx', 'feeReturnSince'],
  rank: 34,
  keptMs: 0,
});

export const usages = table<AgreementUsage>('agreement_usage', {
  id: 'text',
  agreementId: 'text',
  eventId: 'text',
  units: 'bigint',
  amount: 'bigint',
  status: 'text',
  createdAt: 'timestamptz',
  deadline: 'timestamptz',
});

/** Usage by the event that it is counted under. */
export const usageRows = entity<AgreementUsage>({
  table: usages,
  key: ['agreementId', 'eventId'],
  guard: ['status'],
  changes: ['status', 'units', 'amount', 'deadline'],
  rank: 33,
  // A call that is under way ends soon, and here.
  keptMs: 10_000,
  kept: ({ status }) => status === 'reserved',
});

/** Agreements that concern a party, newest first: of an agent its own, of a user those of its agents, all for the operator. */
export async function selectAgreements(
  db: Queryable,
  {
    party,
    status,
    role,
    ...wanted
  }: Pick<Principal, 'party'> & {
    status: AgreementStatus | null;
    role: 'buyer' | 'seller' | null;
  } & Page,
): Promise<{ agreements: Agreement[] } & Counted> {
  const side = party.kind === 'user' ? '_owner_id' : '_id';
  const sides = { buyer: `buyer${side} = $1`, seller: `seller${side} = $1 and proposed_at is not null` };
  const partyId = party.kind === 'platform' ? null : party.id;
  const mine = ifGiven(partyId, role === null ? '$1::text is not null' : sides[role]);
  const { rows, ...counted } = await agreements.page(db, {
    where: `${mine} and ${ifGiven(status, 'status = $2')}`,
    either: partyId === null || role !== null ? undefined : [sides.buyer, sides.seller],
    params: [partyId, status],
    order: newestFirst,
    ...wanted,
  });
  return { agreements: rows, ...counted };
}

/** Agreements of a buyer that have not ended. */
export async function countOpen(db: Queryable, buyerId: string): Promise<number> {
  const [row] = await db.query<{ count: bigint }>(
    `select count(*) from agreements where buyer_id = $1 and ended_at is null`,
    [buyerId],
  );
  return Number(row?.count ?? 0n);
}

/** Activations without a transaction that were taken before then. */
export async function countWaiting(db: Queryable, before: Date): Promise<number> {
  const [row] = await db.query<{ count: bigint }>(
    `select count(*) from agreements
     where due_at is not null and status = 'submitting' and activation_tx is null and submitted_at < $1`,
    [before],
  );
  return Number(row?.count ?? 0n);
}

/** Agreements whose money is, or was, in the escrow of a network and is not being moved, by id. */
export function selectHeld(
  db: Queryable,
  { network, after, limit }: { network: string; after: string; limit: number },
): Promise<Agreement[]> {
  return agreements.select(
    db,
    `where network = $1 and id > $2 and status in ('active', 'challenge_window', 'challenged', 'settled')
     order by id limit $3`,
    [network, after, limit],
  );
}

/** In these a step on the chain is to be made. */
const RELAYED = `(status in ('submitting', 'activation_failed', 'settling'))`;

/** Ids of agreements that the clock alone moves, longest overdue first. */
export const dueRows: DueRows = {
  select: 'select id from agreements',
  where: `due_at <= $1 and not ${RELAYED}`,
  order: 'due_at, id',
};

/** Ids of agreements whose next step on a chain is due. */
export function selectRelayed(db: Queryable, now: Date, limit: number): Promise<{ id: string }[]> {
  return db.query<{ id: string }>(
    `select id from agreements where due_at <= $1 and ${RELAYED} order by due_at limit $2`,
    [now, limit],
  );
}

/** Usage of calls whose process has not ended them in time. */
export const leftUsages: DueRows = {
  select: `select ${usages.columns} from agreement_usage`,
  where: `status = 'reserved' and deadline <= $1`,
  order: 'deadline, id',
};
