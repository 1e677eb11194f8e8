import { AgentPayError, isId, newId } from '@agentpay/primitives';
import type { Amount, Tx } from '@agentpay/primitives';
import { checkAmount } from '../amount.js';
import type { Core } from '../Core.js';
import { newestFirst } from '../keyset.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { checkLines, checkText } from '../text.js';
import { requireMember } from './members.js';
import type { OfOrg } from './members.js';
import * as store from './OrgStore.js';
import type { OrgContract } from './OrgStore.js';
import type { PurchaseOrder } from './PurchaseOrder.js';

/** Keeps a contract as a draft. @throws AgentPayError `org_not_found`, `forbidden`, `invalid_request` */
export async function createContract(
  core: Core,
  request: OfOrg & { title: string; terms: string },
): Promise<OrgContract> {
  const { org } = await requireMember(core.db, request, 'documents');
  const contract: OrgContract = {
    id: newId('contract', core),
    orgId: org.id,
    title: checkText('title', request.title),
    terms: checkLines('terms', request.terms),
    status: 'draft',
    createdAt: new Date(core.clock.now()),
  };
  await store.contracts.insert(core.db, contract);
  return contract;
}

/** The organization's contracts, newest first. @throws AgentPayError `org_not_found` */
export async function listContracts(
  core: Core,
  request: OfOrg & PageRequest,
): Promise<{ contracts: OrgContract[] } & Counted> {
  await requireMember(core.db, request, 'read');
  const wanted = { where: 'org_id = $1', params: [request.orgId], order: newestFirst, ...page(request) };
  const { rows, ...counted } = await store.contracts.page(core.db, wanted);
  return { contracts: rows, ...counted };
}

/** Agrees to be invoiced for so much, at most. @throws AgentPayError `org_not_found`, `forbidden`, `invalid_amount`, `invalid_request` */
export async function createPurchaseOrder(
  core: Core,
  request: OfOrg & { amount: Amount; memo: string },
): Promise<PurchaseOrder> {
  const { org } = await requireMember(core.db, request, 'spend');
  checkAmount(request.amount, 'amount');
  const order: PurchaseOrder = {
    id: newId('purchase_order', core),
    orgId: org.id,
    amount: request.amount,
    drawn: 0n,
    memo: checkText('memo', request.memo),
    createdAt: new Date(core.clock.now()),
  };
  await store.purchaseOrders.insert(core.db, order);
  return order;
}

/** The organization's purchase orders, newest first. @throws AgentPayError `org_not_found` */
export async function listPurchaseOrders(
  core: Core,
  request: OfOrg & PageRequest,
): Promise<{ purchaseOrders: PurchaseOrder[] } & Counted> {
  await requireMember(core.db, request, 'read');
  const wanted = { where: 'org_id = $1', params: [request.orgId], order: newestFirst, ...page(request) };
  const { rows, ...counted } = await store.purchaseOrders.page(core.db, wanted);
  return { purchaseOrders: rows, ...counted };
}

/**
 * Draws an invoice from a purchase order, inside the caller's transaction: never more than it is for, however many draw at once.
 * @throws AgentPayError `purchase_order_not_found` unless the organization has it, `purchase_order_exhausted`
 */
export async function draw(
  tx: Tx,
  { orgId, purchaseOrderId, amount }: { orgId: string; purchaseOrderId: string; amount: Amount },
): Promise<PurchaseOrder> {
  const order = isId('purchase_order', purchaseOrderId)
    ? await store.purchaseOrders.lock(tx, { id: purchaseOrderId, orgId })
    : undefined;
  if (!order)
    throw new AgentPayError(
      'purchase_order_not_found',
      'The organization has no purchase order with this id.',
    );
  const left = order.amount - order.drawn;
  if (amount > left)
    throw new AgentPayError('purchase_order_exhausted', 'The purchase order has less left than that.', {
      details: { limit: order.amount, spent: order.drawn, remaining: left },
    });
  const [drawn] = await store.purchaseOrders.update(tx, { id: order.id }, { drawn: order.drawn + amount });
  return drawn as PurchaseOrder;
}

/** Gives back what an invoice drew that is not owed any more, inside the caller's transaction. */
export async function undraw(
  tx: Tx,
  { purchaseOrderId, amount }: { purchaseOrderId: string; amount: Amount },
): Promise<void> {
  const order = (await store.purchaseOrders.lock(tx, { id: purchaseOrderId })) as PurchaseOrder;
  await store.purchaseOrders.update(tx, { id: order.id }, { drawn: order.drawn - amount });
}
