import type { Queryable, SqlValue } from '@agentpay/primitives';
import type { Page } from '../Page.js';
import type { Service } from './Service.js';

const COLUMNS = `id, provider_id as "providerId", payout_wallet_id as "payoutWalletId", name, slug, description, price, currency, category,
  endpoint_url as "endpointUrl", sla_seconds as "slaSeconds", trust_score as "trustScore", verified, status, created_at as "createdAt"`;

export interface ServiceFilter {
  readonly category?: string | undefined;
  readonly verified?: boolean | undefined;
}

/** False when the name or the slug is taken. */
export async function insertService(
  db: Queryable,
  service: Service,
  resource: string | null,
): Promise<boolean> {
  const rows = await db.query(
    `insert into services (id, provider_id, payout_wallet_id, name, slug, description, price, currency, category, endpoint_url, resource,
       sla_seconds, trust_score, verified, status, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) on conflict do nothing returning id`,
    [
      service.id,
      service.providerId,
      service.payoutWalletId,
      service.name,
      service.slug,
      service.description,
      service.price,
      service.currency,
      service.category,
      service.endpointUrl,
      resource,
      service.slaSeconds,
      service.trustScore,
      service.verified,
      service.status,
      service.createdAt,
    ],
  );
  return rows.length === 1;
}

export async function findService(db: Queryable, id: string): Promise<Service | undefined> {
  const [service] = await db.query<Service>(`select ${COLUMNS} from services where id = $1`, [id]);
  return service;
}

/** The active service at an address: a verified one before others, then the one that was there first. */
export async function findByResource(db: Queryable, resource: string): Promise<Service | undefined> {
  const [service] = await db.query<Service>(
    `select ${COLUMNS} from services where resource = $1 and status = 'active' order by verified desc, created_at, id limit 1`,
    [resource],
  );
  return service;
}

/** Active services, best trusted first. */
export async function selectServices(
  db: Queryable,
  filter: ServiceFilter,
  { limit, offset }: Page,
): Promise<Service[]> {
  const { where, params } = condition(filter);
  return db.query<Service>(
    `select ${COLUMNS} from services where ${where} order by trust_score desc, created_at, id
     limit $${params.length + 1} offset $${params.length + 2}`,
    [...params, limit, offset],
  );
}

export async function countServices(db: Queryable, filter: ServiceFilter): Promise<number> {
  const { where, params } = condition(filter);
  const [row] = await db.query<{ count: bigint }>(`select count(*) from services where ${where}`, params);
  return Number(row?.count ?? 0n);
}

export async function updateVerified(
  db: Queryable,
  id: string,
  verified: boolean,
): Promise<Service | undefined> {
  const [service] = await db.query<Service>(
    `update services set verified = $2 where id = $1 returning ${COLUMNS}`,
    [id, verified],
  );
  return service;
}

export async function addTrust(db: Queryable, id: string, points: number): Promise<void> {
  await db.query(
    'update services set trust_score = least(100, greatest(0, trust_score + $2::integer)) where id = $1',
    [id, points],
  );
}

function condition({ category, verified }: ServiceFilter): { where: string; params: SqlValue[] } {
  const params: SqlValue[] = [];
  const terms = ["status = 'active'"];
  if (category !== undefined) terms.push(`category = $${params.push(category)}`);
  if (verified !== undefined) terms.push(`verified = $${params.push(verified)}`);
  return { where: terms.join(' and '), params };
}
