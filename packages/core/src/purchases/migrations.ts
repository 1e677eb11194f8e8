import type { Migration } from '@agentpay/primitives';
import type { SealedColumn } from '../vault/index.js';

/** What was bought from sellers that answer 402. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/purchases-1',
    sql: `
create table purchases (
  id text primary key,
  party_id text not null,
  holder text not null,
  idempotency_key text,
  way text not null check (way in ('seller', 'facilitator')),
  method text not null,
  url text not null,
  digest text not null,
  sealed_request text,
  state text not null check (state in ('requested', 'quoted', 'reserved', 'signed', 'delivered', 'refused',
    'unknown', 'confirmed', 'released', 'rejected')),
  terms jsonb,
  transaction_id text,
  hold_id text,
  authorized jsonb,
  sealed_proof text,
  valid_before timestamptz,
  reference text,
  claim text,
  failure text,
  seller_status integer,
  content_type text,
  response bytea,
  attempts integer not null,
  next_attempt_at timestamptz,
  created_at timestamptz not null,
  ended_at timestamptz,
  unique (holder, idempotency_key),
  -- Money that may move is always on the way to its end.
  check (state not in ('signed', 'delivered', 'refused', 'unknown') or next_attempt_at is not null),
  check (state not in ('reserved', 'signed', 'delivered', 'refused', 'unknown', 'confirmed')
    or (hold_id is not null and authorized is not null and terms is not null)),
  check (state <> 'confirmed' or reference is not null),
  check ((state in ('confirmed', 'released', 'rejected')) = (ended_at is not null))
) with (fillfactor = 60);
create index purchases_party on purchases (party_id, created_at desc, id desc);
create index purchases_due on purchases (next_attempt_at) where next_attempt_at is not null;
-- One authorization, one purchase.
create unique index purchases_nonce on purchases ((authorized->>'from'), (authorized->>'nonce'))
  where authorized is not null;
`,
  },
  {
    name: 'core/purchases-2',
    sql: `
alter table purchases add column approval_id text;
create index purchases_approval on purchases (approval_id) where approval_id is not null;
create index purchases_waiting on purchases (approval_id) where state = 'quoted' and next_attempt_at is null;
alter table purchases drop constraint purchases_way_check;
alter table purchases add constraint purchases_way_check check (way in ('seller', 'facilitator', 'withdrawal'));
`,
  },
  {
    name: 'core/purchases-3',
    sql: `
-- Which purchase uses the next permit of a wallet whose asset moves by Permit2.
create table purchase_turns (
  wallet_id text primary key,
  purchase_id text not null,
  ends_at timestamptz not null
);
`,
  },
];

/** What of it is sealed. */
export const sealed: readonly SealedColumn[] = [
  { table: 'purchases', key: 'id', column: 'sealed_request', place: (id) => `${id} request` },
  { table: 'purchases', key: 'id', column: 'sealed_proof', place: (id) => `${id} proof` },
];
