import type { Migration } from '@agentpay/primitives';

/** Organizations, who acts for them, and what they have agreed to. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/orgs-1',
    sql: `
create table orgs (
  id text primary key references parties (id),
  name text not null,
  wallet_id text not null references wallets (id),
  created_at timestamptz not null
);

create table org_members (
  id text primary key,
  org_id text not null references orgs (id),
  email text,
  role text not null check (role in ('owner', 'admin', 'member', 'billing')),
  status text not null check (status in ('invited', 'active', 'removed')),
  party_id text references parties (id),
  invite_expires_at timestamptz,
  created_at timestamptz not null,
  removed_at timestamptz,
  check (status <> 'active' or party_id is not null),
  check (status <> 'invited' or (email is not null and invite_expires_at is not null))
);
create index org_members_org on org_members (org_id, created_at);
create unique index org_members_party on org_members (party_id, org_id) where status = 'active';
create unique index org_members_email on org_members (org_id, email) where status = 'invited';

create table org_contracts (
  id text primary key,
  org_id text not null references orgs (id),
  title text not null,
  terms text not null,
  status text not null check (status = 'draft'),
  created_at timestamptz not null
);
create index org_contracts_org on org_contracts (org_id, created_at);

create table org_purchase_orders (
  id text primary key,
  org_id text not null references orgs (id),
  amount bigint not null check (amount > 0),
  drawn bigint not null check (drawn >= 0 and drawn <= amount),
  memo text not null,
  created_at timestamptz not null
);
create index org_purchase_orders_org on org_purchase_orders (org_id, created_at);

create table org_policies (
  id text primary key,
  org_id text not null references orgs (id),
  name text not null,
  rule_ids jsonb not null,
  status text not null check (status in ('active', 'deleted')),
  created_at timestamptz not null
);
create index org_policies_org on org_policies (org_id, created_at);
create index org_policies_rules on org_policies using gin (rule_ids jsonb_path_ops);

create table org_policy_logs (
  id text primary key,
  org_id text not null references orgs (id),
  policy_id text not null references org_policies (id),
  rule_id text not null,
  party_id text not null,
  action text not null check (action = 'enforced'),
  reason text not null,
  cap bigint,
  spent bigint,
  created_at timestamptz not null
);
create index org_policy_logs_org on org_policy_logs (org_id, created_at);

create table org_marketplaces (
  id text primary key,
  org_id text not null references orgs (id),
  name text not null,
  created_at timestamptz not null
);
create index org_marketplaces_org on org_marketplaces (org_id, created_at);

create table org_marketplace_listings (
  marketplace_id text not null references org_marketplaces (id),
  listing_id text not null,
  created_at timestamptz not null,
  primary key (marketplace_id, listing_id)
);
`,
  },
];
