import { AgentPayError, isId, newId, numberBounds } from '@agentpay/primitives';
import type { Amount, Queryable } from '@agentpay/primitives';
import { checkAmount } from '../amount.js';
import { findAll as findListings } from '../catalog/index.js';
import type { Core } from '../Core.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { newestFirst } from '../keyset.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { table } from '../table.js';
import { checkText } from '../text.js';
import type { Invoice } from './Invoice.js';
import { requireSpender } from './invoices.js';
import type { Subscription } from './Subscription.js';
import { draft, start } from './subscriptions.js';

/** Agents that are subscribed to together. */
export interface Bundle {
  /** `bndl_...` */
  readonly id: string;
  /** The developer who put it together. */
  readonly makerId: string;
  readonly name: string;
  readonly listingIds: readonly string[];
  /** Developers of these agents, in the same order. */
  readonly sellers: readonly string[];
  /** Of a month. */
  readonly price: Amount;
  readonly status: 'active';
  readonly createdAt: Date;
}

const bundles = table<Bundle>('bundles', {
  id: 'text',
  makerId: 'text',
  name: 'text',
  listingIds: 'jsonb',
  sellers: 'jsonb',
  price: 'bigint',
  status: 'text',
  createdAt: 'timestamptz',
});

/**
 * Offers active agents together; whoever they are of, their developers share what it costs equally.
 * @param request.price of a month; without it so much for each agent as the setting says
 * @throws AgentPayError `forbidden`, `invalid_request`, `invalid_amount`, `listing_not_found` for one that is not offered
 */
export async function createBundle(
  core: Core,
  request: {
    principal: Principal;
    name: string;
    listingIds: readonly string[];
    price?: Amount | undefined;
  },
): Promise<Bundle> {
  const makerId = requireParty(request.principal, 'developer');
  const listingIds = [...new Set(request.listingIds)];
  if (listingIds.length === 0 || listingIds.length > numberBounds.bundled)
    throw new AgentPayError('invalid_request', `A bundle has 1 to ${numberBounds.bundled} agents.`, {
      param: 'agentIds',
    });
  const listings = await findListings(core.db, listingIds);
  const sellers = listingIds.map((id) => {
    const listing = listings.find((each) => each.id === id);
    const isOffered = listing && (listing.status === 'active' || listing.developerId === makerId);
    if (!isOffered || listing.status === 'suspended')
      throw new AgentPayError('listing_not_found', 'There is no agent with this id.', { param: 'agentIds' });
    return listing.developerId;
  });
  const price = request.price ?? core.settings.billing.bundleListingPrice * BigInt(listingIds.length);
  checkAmount(price, 'price');
  const bundle: Bundle = {
    id: newId('bundle', core),
    makerId,
    name: checkText('name', request.name),
    listingIds,
    sellers,
    price,
    status: 'active',
    createdAt: new Date(core.clock.now()),
  };
  await bundles.insert(core.db, bundle);
  return bundle;
}

/** All bundles, newest first. */
export async function listBundles(
  core: Core,
  request: PageRequest,
): Promise<{ bundles: Bundle[] } & Counted> {
  const wanted = { where: 'true', params: [], order: newestFirst, ...page(request) };
  const { rows, ...counted } = await bundles.page(core.db, wanted);
  return { bundles: rows, ...counted };
}

/** @throws AgentPayError `bundle_not_found` */
export async function getBundle(db: Queryable, { bundleId }: { bundleId: string }): Promise<Bundle> {
  const bundle = isId('bundle', bundleId) ? await bundles.find(db, { id: bundleId }) : undefined;
  if (!bundle) throw new AgentPayError('bundle_not_found', 'There is no bundle with this id.');
  return bundle;
}

/**
 * Subscribes an organization that the caller pays for to a bundle. The first month is invoiced at once.
 * @throws AgentPayError `bundle_not_found`, `org_not_found`, `forbidden`, `purchase_order_not_found`, `purchase_order_exhausted`
 */
export async function subscribeToBundle(
  core: Core,
  request: { principal: Principal; bundleId: string; orgId: string; purchaseOrderId?: string | undefined },
): Promise<{ subscription: Subscription; invoice: Invoice }> {
  const { purchaseOrderId } = request;
  return core.db.tx(async (tx) => {
    const { id: bundleId, price: seatPrice, sellers } = await getBundle(tx, request);
    const customerId = await requireSpender(tx, request);
    const subscription = draft(core, {
      id: newId('bundle_subscription', core),
      customerId,
      plan: 'monthly',
      bundleId,
      seatCount: 1,
      seatPrice,
      purchaseOrderId,
    });
    return start(core, tx, subscription, sellers);
  });
}
