import { AgentPayError, newId, numberBounds } from '@agentpay/primitives';
import type { Queryable } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import { requireMember } from '../orgs/index.js';
import { table } from '../table.js';
import { checkLines } from '../text.js';
import { get, lockOwned } from './listings.js';
import type { OfListing } from './listings.js';

/** What a developer promises one organization beyond what the listing promises everybody. */
export interface SlaContract {
  readonly id: string;
  readonly listingId: string;
  readonly orgId: string;
  readonly terms: string;
  /** Calls of the organization that take longer have failed; null: as the listing says. */
  readonly maxCompletionSeconds: number | null;
  readonly status: 'draft' | 'accepted' | 'ended';
  readonly createdAt: Date;
  readonly acceptedAt: Date | null;
}

const contracts = table<SlaContract>('sla_contracts', {
  id: 'text',
  listingId: 'text',
  orgId: 'text',
  terms: 'text',
  maxCompletionSeconds: 'integer',
  status: 'text',
  createdAt: 'timestamptz',
  acceptedAt: 'timestamptz',
});

/**
 * Drafts a contract on behalf of an organization; it binds nobody until the listing's developer accepts it.
 * @throws AgentPayError `listing_not_found`, `org_not_found`, `forbidden`, `invalid_request`
 */
export async function draftContract(
  core: Core,
  request: OfListing & {
    readonly orgId: string;
    readonly terms: string;
    readonly maxCompletionSeconds?: number | undefined;
  },
): Promise<SlaContract> {
  const { maxCompletionSeconds: seconds = null } = request;
  if (seconds !== null && !(Number.isInteger(seconds) && seconds > 0 && seconds <= numberBounds.slaSeconds))
    throw new AgentPayError('invalid_request', 'The window is not a whole number of seconds.', {
      param: 'maxCompletionSeconds',
    });
  const listing = await get(core.db, request);
  const { org } = await requireMember(core.db, request, 'documents');
  const contract: SlaContract = {
    id: newId('sla_contract', core),
    listingId: listing.id,
    orgId: org.id,
    terms: checkLines('terms', request.terms),
    maxCompletionSeconds: seconds,
    status: 'draft',
    createdAt: new Date(core.clock.now()),
    acceptedAt: null,
  };
  await contracts.insert(core.db, contract);
  return contract;
}

/**
 * The listing's developer accepts a draft; from then on calls of the organization have its window. It ends the contract that the two
 * had. Again, it changes nothing.
 * @throws AgentPayError `listing_not_found`, `sla_contract_not_found`; `conflict` for one that has ended
 */
export function acceptContract(
  core: Core,
  request: OfListing & { readonly contractId: string },
): Promise<SlaContract> {
  return core.db.tx(async (tx) => {
    const { id: listingId } = await lockOwned(tx, request);
    const draft = await contracts.lock(tx, { id: request.contractId, listingId });
    if (!draft) throw new AgentPayError('sla_contract_not_found', 'This agent has no contract with this id.');
    if (draft.status === 'accepted') return draft;
    if (draft.status === 'ended')
      throw new AgentPayError('conflict', 'The contract has ended.', { reason: 'contract_ended' });
    const { orgId } = draft;
    await contracts.update(tx, { listingId, orgId, status: 'accepted' }, { status: 'ended' });
    const acceptedAt = new Date(core.clock.now());
    const [accepted] = await contracts.update(tx, { id: draft.id }, { status: 'accepted', acceptedAt });
    return accepted as SlaContract;
  });
}

/** How long a call of a listing may take for an organization, where a contract says so. */
export async function contractSeconds(
  db: Queryable,
  { listingId, orgId }: { listingId: string; orgId: string | null },
): Promise<number | undefined> {
  if (orgId === null) return undefined;
  const contract = await contracts.find(db, { listingId, orgId, status: 'accepted' });
  return contract?.maxCompletionSeconds ?? undefined;
}
