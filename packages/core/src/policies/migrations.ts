import type { Migration } from '@agentpay/primitives';

/** What parties may spend, and what they have spent. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/policies-1',
    sql: `
create table policy_sets (
  party_id text primary key references parties (id),
  version bigint not null,
  archived boolean not null,
  orgs jsonb not null,
  rules jsonb not null
);

create index policy_sets_rules on policy_sets using gin (rules jsonb_path_ops);

create table spend_windows (
  party_id text not null,
  scope text not null,
  day text not null,
  day_spent bigint not null check (day_spent >= 0),
  month text not null,
  month_spent bigint not null check (month_spent >= 0),
  total_spent bigint not null check (total_spent >= 0),
  since timestamptz not null,
  primary key (party_id, scope)
) with (fillfactor = 50);
`,
  },
];
