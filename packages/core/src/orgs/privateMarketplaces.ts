import { AgentPayError, isId, newId } from '@agentpay/primitives';
import type { Queryable } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import { newestFirst } from '../keyset.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { checkText } from '../text.js';
import { requireMember } from './members.js';
import type { OfOrg } from './members.js';
import * as store from './OrgStore.js';
import type { PrivateMarketplace } from './OrgStore.js';

type OfMarketplace = OfOrg & { readonly marketplaceId: string };
/** Listings that one private marketplace has at most. */
const MAX_LISTINGS = 1_000;

/** Makes a marketplace that only members see. @throws AgentPayError `org_not_found`, `forbidden`, `invalid_request` */
export async function createMarketplace(
  core: Core,
  request: OfOrg & { name: string },
): Promise<PrivateMarketplace> {
  const { org } = await requireMember(core.db, request, 'marketplaces');
  const marketplace: PrivateMarketplace = {
    id: newId('private_marketplace', core),
    orgId: org.id,
    name: checkText('name', request.name),
    createdAt: new Date(core.clock.now()),
  };
  await store.marketplaces.insert(core.db, marketplace);
  return marketplace;
}

/** The organization's marketplaces, newest first. @throws AgentPayError `org_not_found` */
export async function listMarketplaces(
  core: Core,
  request: OfOrg & PageRequest,
): Promise<{ marketplaces: PrivateMarketplace[] } & Counted> {
  await requireMember(core.db, request, 'read');
  const { rows, ...counted } = await store.marketplaces.page(core.db, {
    where: 'org_id = $1',
    params: [request.orgId],
    order: newestFirst,
    ...page(request),
  });
  return { marketplaces: rows, ...counted };
}

/**
 * Adds a listing, which exists, to a private marketplace; again changes nothing.
 * @throws AgentPayError `org_not_found`, `forbidden`, `private_marketplace_not_found`, `conflict` beyond 1,000 listings
 */
export function chooseListing(core: Core, request: OfMarketplace & { listingId: string }): Promise<void> {
  return core.db.tx(async (tx) => {
    await requireMember(tx, request, 'marketplaces');
    const { id } = await marketplaceOf(tx, request);
    await store.marketplaces.lock(tx, { id });
    const chosen = await store.chosenListings.select(tx, 'where marketplace_id = $1', [id]);
    if (chosen.some(({ listingId }) => listingId === request.listingId)) return;
    if (chosen.length >= MAX_LISTINGS)
      throw new AgentPayError('conflict', `A private marketplace has at most ${MAX_LISTINGS} listings.`, {
        reason: 'too_many_listings',
      });
    const createdAt = new Date(core.clock.now());
    await store.chosenListings.insert(tx, { marketplaceId: id, listingId: request.listingId, createdAt });
  });
}

/**
 * Ids of the listings of a private marketplace, in the order in which they came.
 * @throws AgentPayError `org_not_found`, `private_marketplace_not_found`
 */
export async function chosenListings(core: Core, request: OfMarketplace): Promise<string[]> {
  await requireMember(core.db, request, 'read');
  const { id } = await marketplaceOf(core.db, request);
  const rows = await store.chosenListings.select(
    core.db,
    'where marketplace_id = $1 order by created_at, listing_id',
    [id],
  );
  return rows.map(({ listingId }) => listingId);
}

async function marketplaceOf(
  db: Queryable,
  { orgId, marketplaceId }: OfMarketplace,
): Promise<PrivateMarketplace> {
  const found = isId('private_marketplace', marketplaceId)
    ? await store.marketplaces.find(db, { id: marketplaceId, orgId })
    : undefined;
  if (!found)
    throw new AgentPayError(
      'private_marketplace_not_found',
      'The organization has no private marketplace with this id.',
    );
  return found;
}
