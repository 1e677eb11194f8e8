import type { Queryable, SqlValue } from '@agentpay/primitives';
import { entity } from '../batch/index.js';
import { keysetOf } from '../keyset.js';
import type { Counted, Page } from '../Page.js';
import { table } from '../table.js';
import type { Service } from './Service.js';

export const services = table<Service>('services', {
  id: 'text',
  providerId: 'text',
  payoutWalletId: 'text',
  name: 'text',
  slug: 'text',
  nameKey: 'text',
  description: 'text',
  price: 'bigint',
  currency: 'text',
  category: 'text',
  endpointUrl: 'text',
  resource: 'text',
  endpointProvenAt: 'timestamptz',
  endpointPrice: 'bigint',
  endpointDueAt: 'timestamptz',
  slaSeconds: 'integer',
  trustScore: 'integer',
  verified: 'boolean',
  status: 'text',
  createdAt: 'timestamptz',
});

/** A service as commands see it. What they rest on is checked; the rest may be a second old. */
export const serviceRows = entity<Service>({
  table: services,
  key: ['id'],
  guard: ['price', 'currency', 'slaSeconds', 'status', 'payoutWalletId'],
  rank: 5,
  watched: true,
  keptMs: 1_000,
});

/** Points that services have earned or lost and do not know of yet. */
export const trustChanges = table<{ serviceId: string; points: number }>('trust_changes', {
  serviceId: 'text',
  points: 'integer',
});

export interface ServiceFilter {
  readonly category?: string | undefined;
  readonly verified?: boolean | undefined;
}

const bestTrustedFirst = keysetOf<Service>(services.fields, { by: ['-trustScore', 'createdAt', 'id'] });

/** The active services at an address: proven ones before others, then verified ones, then the one that was there first. */
export async function findByResource(
  db: Queryable,
  resource: string,
  { proven }: { proven: boolean },
): Promise<Service | undefined> {
  const [service] = await services.select(
    db,
    `where resource = $1 and status = 'active' and (endpoint_proven_at is not null or not $2)
     order by endpoint_proven_at is null, verified desc, created_at, id limit 1`,
    [resource, proven],
  );
  return service;
}

/** A page of the active services, best trusted first. */
export async function listServices(
  db: Queryable,
  filter: ServiceFilter,
  wanted: Page,
): Promise<{ rows: Service[] } & Pick<Counted, 'nextCursor'>> {
  const before: SqlValue[] = [];
  const terms = ["status = 'active'"];
  if (filter.category !== undefined) terms.push(`category = $${before.push(filter.category)}`);
  if (filter.verified !== undefined) terms.push(`verified = $${before.push(filter.verified)}`);
  const { text, params } = bestTrustedFirst.part(wanted, before);
  const rows = await services.select(db, `where ${terms.join(' and ')}${text}`, params);
  return bestTrustedFirst.page(rows, wanted);
}

/** How many active services there are; reads one row. */
export async function countServices(db: Queryable, { category, verified }: ServiceFilter): Promise<number> {
  const [row] = await db.query<{ total: bigint }>(
    'select total from service_totals where category = $1 and verified = $2',
    [category ?? '', verified === undefined ? '' : String(verified)],
  );
  return Number(row?.total ?? 0n);
}

/** Services whose address is to be looked at, those that wait longest first. */
export function listDue(db: Queryable, at: Date, limit: number): Promise<Service[]> {
  return services.select(
    db,
    "where endpoint_due_at <= $1 and status = 'active' order by endpoint_due_at limit $2",
    [at, limit],
  );
}

/** Points of a service that its row does not know yet, in the order in which they were earned. */
export async function pendingTrust(db: Queryable, serviceId: string): Promise<number[]> {
  const rows = await db.query<{ points: number }>(
    'select points from trust_changes where service_id = $1 order by id',
    [serviceId],
  );
  return rows.map(({ points }) => points);
}

/** Services with points that their rows do not know yet. */
export async function listUntold(db: Queryable, limit: number): Promise<string[]> {
  const rows = await db.query<{ serviceId: string }>(
    `select service_id as "serviceId" from trust_changes group by service_id order by min(id) limit $1`,
    [limit],
  );
  return rows.map(({ serviceId }) => serviceId);
}

/** Takes the pending points of a service, in the order in which they were earned. */
export async function takeTrust(db: Queryable, serviceId: string, limit: number): Promise<number[]> {
  const rows = await db.query<{ id: bigint; points: number }>(
    `delete from trust_changes where id in (
       select id from trust_changes where service_id = $1 order by id limit $2 for update
     ) returning id, points`,
    [serviceId, limit],
  );
  return rows.sort((a, b) => (a.id < b.id ? -1 : 1)).map(({ points }) => points);
}
