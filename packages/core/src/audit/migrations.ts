import type { Migration } from '@agentpay/primitives';

/** What operators did. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/audit-1',
    sql: `
create table audit_log (
  -- Sorts acts of one millisecond by their order.
  id text primary key,
  at timestamptz not null,
  credential_id text not null,
  actor_id text not null,
  tenant_ids text[] not null,
  act text not null,
  subject text not null,
  before jsonb,
  after jsonb,
  request_id text
);
create index audit_log_order on audit_log (at desc, id desc);
create index audit_log_tenants on audit_log using gin (tenant_ids);
create index audit_log_subject on audit_log (subject);

create function audit_log_refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$;
create trigger audit_log_append_only before update or delete or truncate on audit_log
  for each statement execute function audit_log_refuse_change();
`,
  },
  {
    name: 'core/audit-2',
    sql: 'create index audit_log_request on audit_log (request_id) where request_id is not null;',
  },
];
