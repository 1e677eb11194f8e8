import { AgentPayError, isId, newId, numberBounds, textBounds } from '@agentpay/primitives';
import type { Amount, Queryable, Tx } from '@agentpay/primitives';
import { checkAmount } from '../amount.js';
import { record } from '../audit/index.js';
import type { Core } from '../Core.js';
import { self } from '../developers/index.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { endpointOf, find as findService } from '../marketplace/index.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { checkOptionalText, checkText } from '../text.js';
import { stepOf } from './Listing.js';
import type { AgentListing, ListingStep, ListedMethod, SlaPromise } from './Listing.js';
import * as store from './ListingStore.js';
import type { ListingFilter, ListingViewer } from './ListingStore.js';
import { readVersion } from './Version.js';

const FIRST_VERSION = 'v1.0.0';
const METHOD_NAME = new RegExp(`^[A-Za-z][\\w.-]{0,${textBounds.method - 1}}$`);

export interface GivenMethod {
  readonly name: string;
  readonly description?: string | undefined;
  readonly price: Amount;
}

/** What a developer says of a listing, as far as it can be changed. */
export interface ListingDetails {
  readonly category?: string | undefined;
  readonly description?: string | undefined;
  readonly endpointUrl?: string | undefined;
  readonly serviceId?: string | undefined;
  readonly regions?: readonly string[] | undefined;
  readonly visibility?: AgentListing['visibility'] | undefined;
  readonly methods?: readonly GivenMethod[] | undefined;
  readonly sla?: SlaPromise | undefined;
}

export type OfListing = { readonly principal: Principal; readonly listingId: string };

/**
 * Offers an agent on the marketplace, once the operator has approved it. Its first version is v1.0.0 unless told.
 * @throws AgentPayError `invalid_request`, `invalid_amount`, `service_not_found`
 */
export async function create(
  core: Core,
  request: ListingDetails & {
    readonly principal: Principal;
    readonly name: string;
    readonly category: string;
    readonly version?: string | undefined;
  },
): Promise<AgentListing> {
  const { id: developerId } = await self(core.db, request.principal);
  const version = readVersion(request.version ?? FIRST_VERSION);
  const createdAt = new Date(core.clock.now());
  const listing: AgentListing = {
    id: newId('listing', core),
    developerId,
    name: checkText('name', request.name),
    category: request.category,
    description: null,
    status: 'pending',
    visibility: 'public',
    endpointUrl: null,
    serviceId: null,
    regions: [],
    methods: [],
    sla: null,
    revision: 0n,
    createdAt,
    ...(await checked(core, request)),
  };
  await core.db.tx(async (tx) => {
    await store.listings.insert(tx, { ...listing, methods: store.keptMethods(listing.methods) });
    await store.versions.insert(tx, { listingId: listing.id, version, notes: null, createdAt });
  });
  return listing;
}

/**
 * Changes what a listing of the caller says. One that is called elsewhere from now on waits for approval again.
 * @throws AgentPayError `listing_not_found` (also somebody else's), `invalid_request`, `invalid_amount`, `service_not_found`
 */
export async function update(core: Core, request: OfListing & ListingDetails): Promise<AgentListing> {
  const change = await checked(core, request);
  if (Object.keys(change).length === 0)
    throw new AgentPayError('invalid_request', 'There is nothing to change.', { param: 'body' });
  return core.db.tx(async (tx) => {
    const before = await lockOwned(tx, request);
    const after = { ...before, ...change };
    const moved = after.endpointUrl !== before.endpointUrl || after.serviceId !== before.serviceId;
    const status = moved ? stepOf(before.status, 'moved') : before.status;
    return save(tx, before, { ...change, status });
  });
}

/** The operator offers a listing. @throws AgentPayError `forbidden`, `listing_not_found` */
export function approve(core: Core, request: OfListing): Promise<AgentListing> {
  return decide(core, request, 'approve');
}

/** The operator takes a listing off the marketplace. @throws AgentPayError `forbidden`, `listing_not_found` */
export function suspend(core: Core, request: OfListing): Promise<AgentListing> {
  return decide(core, request, 'suspend');
}

/** @throws AgentPayError `listing_not_found` */
export async function get(db: Queryable, { listingId }: { listingId: string }): Promise<AgentListing> {
  const kept = isId('listing', listingId) ? await store.listings.find(db, { id: listingId }) : undefined;
  if (!kept) throw notFound();
  return store.readListing(kept);
}

/** A listing, unless it is private and the viewer is none of those who see it. @throws AgentPayError `listing_not_found` */
export async function see(
  db: Queryable,
  { listingId, viewer }: { listingId: string; viewer: ListingViewer | undefined },
): Promise<AgentListing> {
  const found = isId('listing', listingId) ? await store.findSeen(db, { listingId, viewer }) : undefined;
  if (!found) throw notFound();
  return found;
}

/** The listings with these ids. */
export async function findAll(db: Queryable, ids: readonly string[]): Promise<AgentListing[]> {
  const kept = await store.listings.select(db, 'where id = any($1::text[])', [ids]);
  return kept.map(store.readListing);
}

/** Listings that can be called, newest first. @throws AgentPayError `invalid_request` for a page outside the limits */
export function search(
  db: Queryable,
  request: ListingFilter & PageRequest,
): Promise<{ listings: AgentListing[] } & Counted> {
  return store.searchListings(db, request, page(request));
}

/** A listing of the caller, locked. @throws AgentPayError `listing_not_found` also for somebody else's */
export async function lockOwned(tx: Tx, { principal, listingId }: OfListing): Promise<AgentListing> {
  const developerId = requireParty(principal, 'developer');
  const kept = await store.listings.lock(tx, { id: listingId });
  if (kept?.developerId !== developerId) throw notFound();
  return store.readListing(kept);
}

async function decide(
  core: Core,
  { principal, listingId }: OfListing,
  step: ListingStep,
): Promise<AgentListing> {
  requireParty(principal, 'platform');
  return core.db.tx(async (tx) => {
    const kept = await store.listings.lock(tx, { id: listingId });
    if (!kept) throw notFound();
    const status = stepOf(kept.status, step);
    await record(core, tx, {
      principal,
      act: `listing.${step}`,
      subject: listingId,
      tenants: [kept.developerId],
      before: { status: kept.status },
      after: { status },
    });
    return save(tx, store.readListing(kept), { status });
  });
}

async function save(tx: Tx, before: AgentListing, change: Partial<AgentListing>): Promise<AgentListing> {
  const after = { ...before, ...change, revision: before.revision + 1n };
  await store.listings.update(tx, { id: before.id }, { ...after, methods: store.keptMethods(after.methods) });
  return after;
}

/** What was given, checked. */
async function checked(core: Core, given: ListingDetails): Promise<Partial<AgentListing>> {
  if (given.endpointUrl !== undefined && given.serviceId !== undefined)
    throw refuse('endpointUrl', 'A listing has an address of its own or that of a service, not both.');
  const change: { -readonly [Field in keyof AgentListing]?: AgentListing[Field] } = {};
  if (given.category !== undefined) change.category = checkText('category', given.category);
  if (given.description !== undefined) change.description = checkText('description', given.description);
  if (given.endpointUrl !== undefined) {
    const { href } = endpointOf(given.endpointUrl);
    core.ports.endpoints.assertAllowed(href);
    Object.assign(change, { endpointUrl: href, serviceId: null });
  }
  if (given.serviceId !== undefined) {
    const service = await findService(core.db, { serviceId: given.serviceId });
    if (service.endpointUrl === null) throw refuse('serviceId', 'The service has no address to call.');
    Object.assign(change, { serviceId: service.id, endpointUrl: null });
  }
  if (given.visibility !== undefined) change.visibility = given.visibility;
  if (given.regions !== undefined) change.regions = checkRegions(core, given.regions);
  if (given.methods !== undefined) change.methods = checkMethods(core, given.methods);
  if (given.sla !== undefined) change.sla = checkSla(given.sla);
  return change;
}

function checkRegions(core: Core, regions: readonly string[]): readonly string[] {
  const known = core.settings.catalog.regions;
  if (regions.every((region) => known.includes(region))) return [...new Set(regions)];
  throw refuse('regions', `The regions are ${known.join(', ')}.`);
}

/** Methods with their prices. @throws AgentPayError `invalid_request`, `invalid_amount` */
export function checkMethods(core: Core, methods: readonly GivenMethod[]): ListedMethod[] {
  if (methods.length > numberBounds.methods)
    throw refuse('methods', `A listing has at most ${numberBounds.methods} methods.`);
  if (new Set(methods.map(({ name }) => name)).size < methods.length)
    throw refuse('methods', 'Two methods have one name.');
  return methods.map(({ name, description, price }) => {
    if (!METHOD_NAME.test(name)) throw refuse('methods', 'A method is named by letters, digits, _, . and -.');
    checkAmount(price, 'methods', 'The price');
    const text = checkOptionalText('description', description);
    return { id: newId('tool', core), name, description: text, price };
  });
}

function checkSla({ uptimePct, p95Ms, maxCompletionSeconds }: SlaPromise): SlaPromise {
  if (uptimePct !== undefined && !/^(100|\d{1,2})(\.\d{1,3})?$/.test(uptimePct))
    throw refuse('sla', 'The uptime is not a percentage.');
  for (const [value, most] of [
    [p95Ms, numberBounds.slaSeconds * 1000],
    [maxCompletionSeconds, numberBounds.slaSeconds],
  ] as const)
    if (value !== undefined && !(Number.isInteger(value) && value > 0 && value <= most))
      throw refuse('sla', 'The times are not whole numbers above zero.');
  return { uptimePct, p95Ms, maxCompletionSeconds };
}

function refuse(param: string, message: string): AgentPayError {
  return new AgentPayError('invalid_request', message, { param });
}

function notFound(): AgentPayError {
  return new AgentPayError('listing_not_found', 'There is no agent with this id.');
}
