import { AgentPayError, isId } from '@agentpay/primitives';
import type { Queryable } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import type { Principal } from '../identity/index.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import type { Purchase } from './Purchase.js';
import * as store from './PurchaseStore.js';

/** A purchase of the caller. @throws AgentPayError `purchase_not_found` */
export async function get(
  core: Core,
  { principal, purchaseId }: { principal: Principal; purchaseId: string },
): Promise<Purchase> {
  const purchase = isId('purchase', purchaseId)
    ? await store.purchases.find(core.db, { id: purchaseId })
    : undefined;
  if (purchase?.partyId === principal.party.id) return purchase;
  throw new AgentPayError('purchase_not_found', 'You have no purchase with this id.');
}

/** The purchase of the caller that an approval is about; undefined when it is about something else. */
export function ofApproval(
  db: Queryable,
  { principal, approvalId }: { principal: Principal; approvalId: string },
): Promise<Purchase | undefined> {
  return store.purchases.find(db, { partyId: principal.party.id, approvalId });
}

/**
 * What the caller, or one holder of its wallets, has spent or is spending; newest first. What is proved not to have been paid is not in it.
 * @throws AgentPayError `invalid_request` for a page outside the limits
 */
export async function spent(
  core: Core,
  request: {
    principal: Principal;
    holder?: string | undefined;
  } & PageRequest,
): Promise<{ purchases: Purchase[] } & Counted> {
  const { principal, holder = null } = request;
  const wanted = { partyId: principal.party.id, holder, ...page(request) };
  const { rows, ...counted } = await store.pageOfSpent(core.db, wanted);
  return { purchases: rows, ...counted };
}
