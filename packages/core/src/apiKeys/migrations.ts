import type { Migration } from '@agentpay/primitives';
import type { SealedColumn } from '../vault/index.js';

/** What users call their API keys; the keys themselves are credentials. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/api-keys-1',
    sql: `
create table api_keys (
  id text primary key references credentials (id),
  user_id text not null references parties (id),
  name text not null,
  sealed_key text not null,
  revoked_at timestamptz,
  created_at timestamptz not null
);
create index api_keys_user on api_keys (user_id, created_at desc, id desc);
`,
  },
];

/** What of it is sealed. */
export const sealed: readonly SealedColumn[] = [
  { table: 'api_keys', key: 'id', column: 'sealed_key', place: (id) => id },
];
