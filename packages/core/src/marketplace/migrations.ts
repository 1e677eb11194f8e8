import type { Migration } from '@agentpay/primitives';

/** Services that agents offer. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/marketplace-1',
    sql: `
create table services (
  id text primary key,
  provider_id text not null references parties (id),
  payout_wallet_id text not null references wallets (id),
  name text not null unique check (char_length(name) between 1 and 120),
  slug text not null unique check (slug <> ''),
  description text,
  price bigint not null check (price > 0),
  currency text not null,
  category text,
  endpoint_url text,
  resource text,
  sla_seconds integer check (sla_seconds between 1 and 86400),
  trust_score integer not null check (trust_score between 0 and 100),
  verified boolean not null,
  status text not null check (status in ('active', 'suspended')),
  created_at timestamptz not null
);
create index services_resource on services (resource);
create index services_category on services (category);
`,
  },
];
