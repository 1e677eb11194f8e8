import type { Migration } from '@agentpay/primitives';

/** Agents. */
export const agents: Migration = {
  name: 'core/003-agents',
  sql: `
create table agents (
  id text primary key,
  name text not null check (char_length(name) between 1 and 120),
  operator text check (char_length(operator) between 1 and 120),
  created_at timestamptz not null
);
create index agents_operator on agents (operator, created_at, id);
`,
};
