import type { Migration } from '@agentpay/primitives';

/** Listings of the marketplace, and how they answer. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/catalog-1',
    sql: `
create table listings (
  id text primary key,
  developer_id text not null references developers (id),
  name text not null,
  category text not null,
  description text,
  status text not null check (status in ('pending', 'active', 'suspended')),
  visibility text not null check (visibility in ('public', 'private')),
  endpoint_url text,
  service_id text references services (id),
  regions jsonb not null,
  methods jsonb not null,
  sla jsonb,
  revision bigint not null,
  created_at timestamptz not null
);
create index listings_offered on listings (created_at, id) where status = 'active';
create index listings_developer on listings (developer_id);

create table listing_versions (
  listing_id text not null references listings (id),
  version text not null,
  notes text,
  created_at timestamptz not null,
  primary key (listing_id, version)
);

create table listing_certifications (
  listing_id text not null references listings (id),
  name text not null,
  status text not null check (status in ('pending', 'approved', 'rejected')),
  evidence_url text,
  asked_at timestamptz not null,
  decided_at timestamptz,
  primary key (listing_id, name),
  check ((status = 'pending') = (decided_at is null))
);
create index listing_certifications_pending on listing_certifications (asked_at) where status = 'pending';

create table sla_contracts (
  id text primary key,
  listing_id text not null references listings (id),
  org_id text not null references orgs (id),
  terms text not null,
  max_completion_seconds integer check (max_completion_seconds > 0),
  status text not null check (status in ('draft', 'accepted', 'ended')),
  created_at timestamptz not null,
  accepted_at timestamptz
);
create index sla_contracts_listing on sla_contracts (listing_id, org_id);
create unique index sla_contracts_accepted on sla_contracts (listing_id, org_id) where status = 'accepted';

-- Calls of a day by how they ended: a class of how long they took, or why they failed.
create table listing_calls (
  listing_id text not null references listings (id),
  day text not null,
  ending text not null,
  calls bigint not null,
  primary key (listing_id, day, ending)
) with (fillfactor = 50);
create index listing_calls_day on listing_calls (day);
`,
  },
];
