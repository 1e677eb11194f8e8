import type { Migration } from '@agentpay/primitives';

/** Agents. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/agents-1',
    sql: `
create table agents (
  id text primary key references parties (id),
  name text not null check (char_length(name) between 1 and 120),
  operator text check (char_length(operator) between 1 and 120),
  created_at timestamptz not null
);
create index agents_operator on agents (operator, created_at, id);
`,
  },
  {
    // Nobody has proven anything until now: everybody is alone.
    name: 'core/agents-2',
    sql: `
alter table agents add column group_id text;
update agents set group_id = id;
alter table agents alter column group_id set not null;
drop index agents_operator;
create index agents_group on agents (group_id, created_at, id);
`,
  },
  {
    name: 'core/agents-3',
    sql: `
alter table agents add column owner_id text references parties (id), add column archived_at timestamptz;
create index agents_owner on agents (owner_id, created_at, id);
`,
  },
];
