import type { Migration } from '@agentpay/primitives';

/** What was asked of the API. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/requests-1',
    sql: `
create table kept_requests (
  -- Sorts by time.
  id text primary key,
  request_id text not null,
  at timestamptz not null,
  party_id text not null,
  credential_id text,
  method text not null,
  path text not null,
  endpoint text not null,
  status integer not null,
  error text,
  duration_ms integer not null,
  made text[] not null,
  named text[] not null
);
create index kept_requests_party on kept_requests (party_id, id);
create index kept_requests_objects on kept_requests using gin (made, named);
-- Only what callers named themselves needs to be found by its name.
create index kept_requests_given on kept_requests (request_id) where request_id <> id;
`,
  },
];
