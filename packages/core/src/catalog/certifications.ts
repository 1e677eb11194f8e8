import { AgentPayError } from '@agentpay/primitives';
import type { Queryable } from '@agentpay/primitives';
import { record } from '../audit/index.js';
import type { Core } from '../Core.js';
import { requireParty } from '../identity/index.js';
import { endpointOf } from '../marketplace/index.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { table } from '../table.js';
import { get, lockOwned } from './listings.js';
import type { OfListing } from './listings.js';

/** That a listing meets a standard, as its developer says and the operator decides. */
export interface Certification {
  readonly listingId: string;
  readonly name: string;
  readonly status: 'pending' | 'approved' | 'rejected';
  /** Where the auditor's report is. */
  readonly evidenceUrl: string | null;
  readonly askedAt: Date;
  readonly decidedAt: Date | null;
}

const certifications = table<Certification>('listing_certifications', {
  listingId: 'text',
  name: 'text',
  status: 'text',
  evidenceUrl: 'text',
  askedAt: 'timestamptz',
  decidedAt: 'timestamptz',
});

/**
 * Asks the operator to certify a listing of the caller; after a refusal also again.
 * @throws AgentPayError `listing_not_found`, `invalid_request`, `conflict` for one that was approved
 */
export async function apply(
  core: Core,
  request: OfListing & { readonly name: string; readonly evidenceUrl?: string | undefined },
): Promise<Certification> {
  const known = core.settings.catalog.certifications;
  if (!known.includes(request.name))
    throw new AgentPayError('invalid_request', `The certifications are ${known.join(', ')}.`, {
      param: 'certification',
    });
  const { listingId, name, evidenceUrl } = request;
  const asked: Certification = {
    listingId,
    name,
    status: 'pending',
    evidenceUrl: evidenceUrl === undefined ? null : endpointOf(evidenceUrl).href,
    askedAt: new Date(core.clock.now()),
    decidedAt: null,
  };
  return core.db.tx(async (tx) => {
    await lockOwned(tx, request);
    const before = await certifications.lock(tx, { listingId, name });
    if (!before) await certifications.insert(tx, asked);
    else if (before.status === 'approved')
      throw new AgentPayError('conflict', 'The listing has this certification.', { reason: 'certified' });
    else await certifications.update(tx, { listingId, name }, asked);
    return asked;
  });
}

/**
 * The operator certifies a listing, or does not; either can be decided anew.
 * @throws AgentPayError `forbidden`, `listing_not_found` when nobody asked for it
 */
export async function decideCertification(
  core: Core,
  request: OfListing & { readonly name: string; readonly decision: 'approved' | 'rejected' },
): Promise<Certification> {
  const { principal, listingId, name, decision } = request;
  requireParty(principal, 'platform');
  return core.db.tx(async (tx) => {
    const before = await certifications.lock(tx, { listingId, name });
    if (!before)
      throw new AgentPayError('listing_not_found', 'No agent with this id waits for this certification.');
    const change = { status: decision, decidedAt: new Date(core.clock.now()) };
    await certifications.update(tx, { listingId, name }, change);
    const { developerId } = await get(tx, { listingId });
    await record(core, tx, {
      principal,
      act: 'listing.certify',
      subject: listingId,
      tenants: [developerId],
      before: { certification: name, status: before.status },
      after: { certification: name, status: decision },
    });
    return { ...before, ...change };
  });
}

/** What waits for a decision, longest first. @throws AgentPayError `forbidden` */
export async function pendingCertifications(
  core: Core,
  request: OfListing['principal'],
  wanted: PageRequest = {},
): Promise<{ certifications: Certification[] } & Counted> {
  requireParty(request, 'platform');
  const { rows, ...counted } = await certifications.page(core.db, {
    where: "status = 'pending'",
    params: [],
    order: { by: ['askedAt', 'listingId', 'name'] },
    ...page(wanted),
  });
  return { certifications: rows, ...counted };
}

/** Names of the certifications that a listing has. */
export async function certificationsOf(db: Queryable, listingId: string): Promise<string[]> {
  const rows = await certifications.select(
    db,
    "where listing_id = $1 and status = 'approved' order by name",
    [listingId],
  );
  return rows.map(({ name }) => name);
}
