import type { Core } from '../Core.js';
import { pageOf } from '../keyset.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { AgentPayError } from '@agentpay/primitives';
import { checkOptionalText } from '../text.js';
import type { AgentListing } from './Listing.js';
import { get, lockOwned, update } from './listings.js';
import type { GivenMethod, OfListing } from './listings.js';
import * as store from './ListingStore.js';
import { compareVersions, isVersion, readVersion } from './Version.js';
import type { ListingVersion } from './Version.js';

const MAX_VERSIONS = 1_000;

/** Puts methods and prices in place of those there were. Calls under way are paid at the price they were made at. */
export function setMethods(
  core: Core,
  request: OfListing & { readonly methods: readonly GivenMethod[] },
): Promise<AgentListing> {
  return update(core, request);
}

/**
 * Releases a version. A version that is there never changes.
 * @throws AgentPayError `listing_not_found`, `invalid_request`, `conflict` for one that is there already
 */
export async function addVersion(
  core: Core,
  request: OfListing & { readonly version: string; readonly notes?: string | undefined },
): Promise<ListingVersion> {
  const version: ListingVersion = {
    listingId: request.listingId,
    version: readVersion(request.version),
    notes: checkOptionalText('description', request.notes),
    createdAt: new Date(core.clock.now()),
  };
  return core.db.tx(async (tx) => {
    await lockOwned(tx, request);
    if ((await store.countVersions(tx, request.listingId)) >= MAX_VERSIONS)
      throw refuse('too_many_versions', `A listing has at most ${MAX_VERSIONS} versions.`);
    if (!(await store.versions.insertNew(tx, version)))
      throw refuse('version_exists', `${version.version} was released already; it never changes.`);
    return version;
  });
}

/** Versions of a listing, latest first, and how many there are. @throws AgentPayError `listing_not_found` */
export async function versionsOf(
  core: Core,
  request: { listingId: string } & PageRequest,
): Promise<{ versions: ListingVersion[] } & Counted> {
  const wanted = page(request);
  const { id } = await get(core.db, request);
  // Precedence is no order that the database knows.
  const all = await store.versions.select(core.db, 'where listing_id = $1', [id]);
  const sorted = all.sort((a, b) => compareVersions(b.version, a.version));
  const { rows, ...counted } = pageOf(sorted, wanted, {
    of: ({ version }) => version,
    compare: (a, b) => compareVersions(b, a),
    isKey: isVersion,
  });
  return { versions: rows, ...counted };
}

/** How many versions a listing has. */
export function versionCount(core: Core, { listingId }: { listingId: string }): Promise<number> {
  return store.countVersions(core.db, listingId);
}

function refuse(reason: string, message: string): AgentPayError {
  return new AgentPayError('conflict', message, { param: 'version', reason });
}
