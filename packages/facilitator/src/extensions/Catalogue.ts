import { createHash } from 'node:crypto';
import type { Clock, Db } from '@agentpay/primitives';
import type { FacilitatorRequest, x402v2 } from '@agentpay/protocol';
import { readListing } from './Listing.js';

/** A paid resource as the bazaar lists it. */
export interface CatalogueItem {
  readonly resource: string;
  readonly type: string;
  readonly x402Version: 2;
  readonly accepts: readonly x402v2.PaymentRequirements[];
  readonly lastUpdated: Date;
  readonly description?: string;
  readonly mimeType?: string;
  readonly extensions: { readonly bazaar: unknown };
}

export interface CatalogueFilter {
  readonly type?: string | undefined;
  readonly payTo?: string | undefined;
  readonly scheme?: string | undefined;
  readonly network?: string | undefined;
  readonly limit: number;
  readonly offset: number;
}

/** What became of the listing that a payment asks for. */
export type ListingStatus =
  | { readonly status: 'processing' | 'success' }
  | { readonly status: 'rejected'; readonly rejectedReason: string };

/** Resources that asked to be listed and were paid for. A listing costs its price, so the catalogue cannot be filled for nothing. */
export interface Catalogue {
  /** What a payment asks for, before it is made; undefined when it asks for no listing. */
  preview(request: FacilitatorRequest): ListingStatus | undefined;
  /** Lists the resource of a payment that was made. */
  add(request: FacilitatorRequest): Promise<ListingStatus | undefined>;
  /** Most recently paid first. */
  list(
    filter: CatalogueFilter,
  ): Promise<{ readonly items: readonly CatalogueItem[]; readonly total: number }>;
  /** Those in which every word of the query stands. */
  search(query: string, filter: CatalogueFilter): Promise<readonly CatalogueItem[]>;
}

interface Row {
  readonly resource: string;
  readonly type: string;
  readonly requirements: x402v2.PaymentRequirements;
  readonly description: string | null;
  readonly mime_type: string | null;
  readonly bazaar: unknown;
  readonly updated_at: Date;
}

const MAX_ITEMS = 10_000;
const MAX_ITEMS_PER_PAYEE = 200;
const MAX_WORDS = 8;

export function catalogue(
  db: Db,
  clock: Clock,
  limits = { items: MAX_ITEMS, perPayee: MAX_ITEMS_PER_PAYEE },
): Catalogue {
  /** Makes room: the longest unpaid go first. */
  async function trim(payTo: string): Promise<void> {
    await db.query(
      `delete from facilitator_resources where key in (
         (select key from facilitator_resources where pay_to = $1 order by updated_at desc, key offset $2)
         union all (select key from facilitator_resources order by updated_at desc, key offset $3))`,
      [payTo, limits.perPayee, limits.items],
    );
  }

  async function find(words: readonly string[], filter: CatalogueFilter): Promise<Row[]> {
    const { where, params } = conditions(words, filter);
    return db.query<Row>(
      `select resource, type, requirements, description, mime_type, bazaar, updated_at from facilitator_resources ${where}
        order by updated_at desc, key limit $${params.push(filter.limit)} offset $${params.push(filter.offset)}`,
      params,
    );
  }

  return {
    preview(request) {
      const listing = readListing(request);
      return typeof listing === 'string'
        ? { status: 'rejected', rejectedReason: listing }
        : listing && { status: 'processing' };
    },
    async add(request) {
      const listing = readListing(request);
      if (listing === undefined) return undefined;
      if (typeof listing === 'string') return { status: 'rejected', rejectedReason: listing };
      const { resource, type, name, requirements, description, mimeType, bazaar } = listing;
      const { payTo, scheme, network, asset } = requirements;
      // The payee is part of the key: nobody can take over the listing of another by paying himself.
      const key = createHash('sha256')
        .update([resource, name, payTo, scheme, network, asset].join('\n').toLowerCase())
        .digest('hex');
      const [added] = await db.query<{ is_new: boolean }>(
        `insert into facilitator_resources
           (key, resource, type, pay_to, scheme, network, requirements, description, mime_type, bazaar, words, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9, $10::jsonb, $11, $12)
         on conflict (key) do update set requirements = excluded.requirements, description = excluded.description,
           mime_type = excluded.mime_type, bazaar = excluded.bazaar, words = excluded.words, updated_at = excluded.updated_at
         returning (xmax = 0) as is_new`,
        [
          key,
          resource,
          type,
          payTo.toLowerCase(),
          scheme,
          network,
          JSON.stringify(requirements),
          description ?? null,
          mimeType ?? null,
          JSON.stringify(bazaar),
          [resource, name, description ?? ''].join(' ').toLowerCase(),
          new Date(clock.now()),
        ],
      );
      if (added?.is_new) await trim(payTo.toLowerCase());
      return { status: 'success' };
    },
    async list(filter) {
      const { where, params } = conditions([], filter);
      const [count] = await db.query<{ total: bigint }>(
        `select count(*) as total from facilitator_resources ${where}`,
        params,
      );
      return { items: (await find([], filter)).map(toItem), total: Number(count?.total ?? 0) };
    },
    async search(query, filter) {
      const words = query
        .toLowerCase()
        .split(/\s+/)
        .filter((word) => word !== '')
        .slice(0, MAX_WORDS);
      return (await find(words, filter)).map(toItem);
    },
  };
}

function conditions(words: readonly string[], { type, payTo, scheme, network }: CatalogueFilter) {
  const params: (string | number)[] = [];
  const equal = { type, pay_to: payTo?.toLowerCase(), scheme, network };
  const parts = [
    ...Object.entries(equal).flatMap(([column, value]) =>
      value === undefined ? [] : [`${column} = $${params.push(value)}`],
    ),
    ...words.map((word) => `position($${params.push(word)} in words) > 0`),
  ];
  return { where: parts.length > 0 ? `where ${parts.join(' and ')}` : '', params };
}

function toItem(row: Row): CatalogueItem {
  return {
    resource: row.resource,
    type: row.type,
    x402Version: 2,
    accepts: [row.requirements],
    lastUpdated: row.updated_at,
    ...(row.description !== null && { description: row.description }),
    ...(row.mime_type !== null && { mimeType: row.mime_type }),
    extensions: { bazaar: row.bazaar },
  };
}
