import type { Migration } from '@agentpay/primitives';

/** Everybody who can own something. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/parties-1',
    sql: `
create table parties (
  id text primary key,
  kind text not null check (kind in ('agent', 'developer', 'gateway', 'org', 'user', 'platform'))
);
insert into parties (id, kind) values ('platform', 'platform');
`,
  },
];
