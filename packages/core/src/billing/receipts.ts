import { AgentPayError, isId } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import type { Principal } from '../identity/index.js';
import { newestFirst } from '../keyset.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { ifGiven } from '../table.js';
import * as store from './BillingStore.js';
import { customersOf } from './invoices.js';
import type { PaidReceipt } from './Invoice.js';

const seenBy = (customers: string[] | null) =>
  ifGiven(customers, '(customer_id = any($1) or gateway_id = any($1) or seller_id = any($1))');

/**
 * Receipts of what the caller, or an organization that they pay for, has paid, sold or completed, newest first; all of them for the
 * operator.
 */
export async function listReceipts(
  core: Core,
  request: { principal: Principal } & PageRequest,
): Promise<{ receipts: PaidReceipt[] } & Counted> {
  const customers = await customersOf(core.db, request.principal);
  const { rows, ...counted } = await store.receipts.page(core.db, {
    where: seenBy(customers),
    params: [customers],
    order: newestFirst,
    ...page(request),
  });
  return { receipts: rows.map(store.readLines), ...counted };
}

/** One of {@link listReceipts}. @throws AgentPayError `receipt_not_found` */
export async function getReceipt(
  core: Core,
  { principal, receiptId }: { principal: Principal; receiptId: string },
): Promise<PaidReceipt> {
  const seen = await customersOf(core.db, principal);
  const [found] = isId('receipt', receiptId)
    ? await store.receipts.select(core.db, `where ${seenBy(seen)} and id = $2`, [seen, receiptId])
    : [];
  if (!found) throw new AgentPayError('receipt_not_found', 'You have no receipt with this id.');
  return store.readLines(found);
}
