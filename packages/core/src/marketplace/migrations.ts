import type { Migration } from '@agentpay/primitives';

/** Services that agents offer, how many of them there are, and what their trust still has to be told. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/marketplace-1',
    sql: `
create table services (
  id text primary key,
  provider_id text not null references parties (id),
  payout_wallet_id text not null references wallets (id),
  name text not null check (char_length(name) between 1 and 120),
  slug text not null unique check (slug <> ''),
  name_key text not null unique check (name_key <> ''),
  description text,
  price bigint not null check (price > 0),
  currency text not null,
  category text,
  endpoint_url text,
  resource text,
  endpoint_proven_at timestamptz,
  endpoint_price bigint,
  endpoint_due_at timestamptz,
  sla_seconds integer check (sla_seconds between 1 and 86400),
  trust_score integer not null check (trust_score between 0 and 100),
  verified boolean not null,
  status text not null check (status in ('active', 'suspended')),
  created_at timestamptz not null
);
create index services_resource on services (resource);
create index services_due on services (endpoint_due_at) where endpoint_due_at is not null;
-- The order of lists, for each filter that they take.
create index services_order on services ((-trust_score), created_at, id) where status = 'active';
create index services_category_order on services (category, (-trust_score), created_at, id) where status = 'active';
create index services_verified_order on services (verified, (-trust_score), created_at, id) where status = 'active';

-- Active services by filter: '' stands for any. A count reads one row.
create table service_totals (
  category text not null,
  verified text not null check (verified in ('', 'true', 'false')),
  total bigint not null,
  primary key (category, verified)
);
create function services_counted() returns trigger language plpgsql as $$
declare
  changes services[] := '{}';
  fewer services[] := '{}';
begin
  if tg_op <> 'DELETE' then select coalesce(array_agg(added), '{}') into changes from added where status = 'active'; end if;
  if tg_op <> 'INSERT' then select coalesce(array_agg(removed), '{}') into fewer from removed where status = 'active'; end if;
  insert into service_totals (category, verified, total)
  select of_category, of_verified, sum(change)
  from (select category, verified, 1 as change from unnest(changes)
        union all select category, verified, -1 from unnest(fewer)) as service,
    lateral (select distinct coalesce(name, '') as of_category from unnest(array['', service.category]) as name) as categories,
    unnest(array['', service.verified::text]) as of_verified
  group by of_category, of_verified having sum(change) <> 0
  order by of_category, of_verified
  on conflict (category, verified) do update set total = service_totals.total + excluded.total;
  return null;
end
$$;
create trigger services_inserted after insert on services
  referencing new table as added for each statement execute function services_counted();
create trigger services_updated after update on services
  referencing new table as added old table as removed for each statement execute function services_counted();
create trigger services_deleted after delete on services
  referencing old table as removed for each statement execute function services_counted();

-- Points that are not in services.trust_score yet: a call that settles locks no service.
create table trust_changes (
  id bigint generated always as identity primary key,
  service_id text not null references services (id) on delete cascade,
  points integer not null
);
create index trust_changes_service on trust_changes (service_id, id);
`,
  },
  {
    name: 'core/marketplace-2',
    sql: `
alter table services add column search tsvector generated always as (
  setweight(to_tsvector('simple', name), 'A') || setweight(to_tsvector('simple', replace(slug, '-', ' ')), 'A')
  || setweight(to_tsvector('simple', coalesce(category, '')), 'B')
  || setweight(to_tsvector('english', coalesce(description, '')), 'C') || setweight(to_tsvector('simple', coalesce(description, '')), 'D')
) stored;
create index services_search on services using gin (search);
`,
  },
];
