import type { Queryable, SqlValue } from '@agentpay/primitives';
import { entity } from '../batch/index.js';
import { newestFirst } from '../keyset.js';
import type { Counted, Page } from '../Page.js';
import { table } from '../table.js';
import type { AgentListing, ListedMethod } from './Listing.js';
import type { ListingVersion } from './Version.js';

/** A listing as kept: amounts in JSON as digits. */
export interface KeptListing extends Omit<AgentListing, 'methods'> {
  readonly methods: readonly KeptMethod[];
}
type KeptMethod = Omit<ListedMethod, 'price'> & { readonly price: string };

export const listings = table<KeptListing>('listings', {
  id: 'text',
  developerId: 'text',
  name: 'text',
  category: 'text',
  description: 'text',
  status: 'text',
  visibility: 'text',
  endpointUrl: 'text',
  serviceId: 'text',
  regions: 'jsonb',
  methods: 'jsonb',
  sla: 'jsonb',
  revision: 'bigint',
  createdAt: 'timestamptz',
});

/** A call is decided by the listing that it was checked against. */
export const listingRows = entity<KeptListing>({
  table: listings,
  key: ['id'],
  guard: ['revision'],
  rank: 15,
  watched: true,
});

export const versions = table<ListingVersion>('listing_versions', {
  listingId: 'text',
  version: 'text',
  notes: 'text',
  createdAt: 'timestamptz',
});

/** The listing with its amounts read. */
export function readListing(kept: KeptListing): AgentListing {
  return { ...kept, methods: kept.methods.map((method) => ({ ...method, price: BigInt(method.price) })) };
}

export function keptMethods(methods: readonly ListedMethod[]): KeptMethod[] {
  return methods.map((method) => ({ ...method, price: String(method.price) }));
}

/** What a search asks for; undefined: anything. */
export interface ListingFilter {
  /** A part of the name or of the description, in any case. */
  readonly text?: string | undefined;
  readonly category?: string | undefined;
  readonly region?: string | undefined;
  readonly certification?: string | undefined;
  readonly developerId?: string | undefined;
  /** Who looks; undefined: nobody in particular. */
  readonly viewer?: ListingViewer | undefined;
}

/** Who looks for listings: a party, and the organization that it belongs to. */
export interface ListingViewer {
  readonly partyId: string;
  readonly orgId?: string | null | undefined;
}

/** Whether the party $1 or the organization $2 sees a listing. */
const SEEN = `(visibility = 'public' or developer_id = $1::text or exists (
  select from org_marketplace_listings c join org_marketplaces m on m.id = c.marketplace_id
  where c.listing_id = listings.id and (m.org_id = $2::text or exists (
    select from org_members b where b.org_id = m.org_id and b.party_id = $1::text and b.status = 'active'))))`;

const placesOf = (viewer: ListingViewer | undefined): SqlValue[] => [
  viewer?.partyId ?? null,
  viewer?.orgId ?? null,
];

/** The listing with this id, if the viewer sees it. */
export async function findSeen(
  db: Queryable,
  { listingId, viewer }: { listingId: string; viewer: ListingViewer | undefined },
): Promise<AgentListing | undefined> {
  const [kept] = await listings.select(db, `where ${SEEN} and id = $3`, [...placesOf(viewer), listingId]);
  return kept && readListing(kept);
}

const OFFERED = `status = 'active' and exists (select from developers where id = developer_id and status = 'active')`;

/** Active listings of active developers that match and that the viewer sees, newest first. */
export async function searchListings(
  db: Queryable,
  filter: ListingFilter,
  wanted: Page,
): Promise<{ listings: AgentListing[] } & Counted> {
  const params = placesOf(filter.viewer);
  const terms = [OFFERED, SEEN];
  const add = (value: string | undefined, term: (place: string) => string) => {
    if (value !== undefined) terms.push(term(`$${params.push(value)}::text`));
  };
  add(filter.text, (p) => `strpos(lower(name || ' ' || coalesce(description, '')), lower(${p})) > 0`);
  add(filter.category, (p) => `category = ${p}`);
  add(filter.region, (p) => `regions ? ${p}`);
  add(filter.developerId, (p) => `developer_id = ${p}`);
  add(
    filter.certification,
    (p) => `exists (select from listing_certifications c
      where c.listing_id = listings.id and c.name = ${p} and c.status = 'approved')`,
  );
  const where = terms.join(' and ');
  const order = newestFirst;
  const { rows, ...counted } = await listings.page(db, { where, params, order, ...wanted });
  return { listings: rows.map(readListing), ...counted };
}

/** How many versions a listing has. */
export async function countVersions(db: Queryable, listingId: string): Promise<number> {
  const [row] = await db.query<{ n: number }>(
    'select count(*)::integer as n from listing_versions where listing_id = $1',
    [listingId],
  );
  return row?.n ?? 0;
}
