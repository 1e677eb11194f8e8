import { billing, catalog, developers, marketplace, type Core } from '@agentpay/core';
import {
  bundlePage,
  offerPage,
  storefrontPage,
  type ShownAgent,
  type Wanted,
} from '../../pages/storefront.js';
import { kept, lastDays } from './presentListing.js';

const SERVICES = 50;
const BUNDLES = 50;

/** The storefront with what is asked for. An empty field of its form asks for nothing. */
export async function storefront(core: Core, query: Wanted): Promise<string> {
  const wanted = { ...query, q: query.q?.trim() || undefined, category: query.category?.trim() || undefined };
  const { q: text, ...rest } = wanted;
  const { listings, total } = await catalog.search(core.db, { text, ...rest });
  const { bundles } = await billing.listBundles(core, { limit: BUNDLES });
  const { services } = await marketplace.list(core, { limit: SERVICES });
  const inBundles = await catalog.findAll(core.db, [
    ...new Set(bundles.flatMap((bundle) => bundle.listingIds)),
  ]);
  const offered = bundles.map((bundle) => ({ bundle, listings: within(bundle, inBundles) }));
  const offers = await Promise.all(listings.map((listing) => offerOf(core, listing)));
  return storefrontPage(wanted, { offers, total, bundles: offered, services });
}

/** @throws AgentPayError `listing_not_found`, also where it is not offered yet */
export async function storefrontAgent(core: Core, listingId: string): Promise<string> {
  const listing = await catalog.get(core.db, { listingId });
  const offer = await offerOf(core, listing);
  return offerPage({ offer, versions: (await catalog.versionsOf(core, { listingId })).versions });
}

/** @throws AgentPayError `bundle_not_found` */
export async function storefrontBundle(core: Core, bundleId: string): Promise<string> {
  const bundle = await billing.getBundle(core.db, { bundleId });
  const listings = await catalog.findAll(core.db, bundle.listingIds);
  return bundlePage({ bundle, listings: within(bundle, listings) });
}

async function offerOf(core: Core, listing: catalog.AgentListing): Promise<ShownAgent> {
  const days = lastDays(30, core.clock.now());
  const [developer, certifications, measured] = await Promise.all([
    developers.get(core.db, { developerId: listing.developerId }),
    catalog.certificationsOf(core.db, listing.id),
    catalog.reliability(core.db, { listingId: listing.id, ...days }),
  ]);
  return {
    listing,
    developer: developer.name,
    certifications,
    measured,
    kept: listing.sla && measured.calls > 0 ? kept(listing.sla, measured) : null,
  };
}

/** The listings of a bundle, in its order. */
function within({ listingIds }: billing.Bundle, listings: readonly catalog.AgentListing[]) {
  const byId = new Map(listings.map((listing) => [listing.id, listing]));
  return listingIds.flatMap((id) => byId.get(id) ?? []);
}
