import { AgentPayError, isId, newId } from '@agentpay/primitives';
import type { Amount, Queryable, Tx } from '@agentpay/primitives';
import { checkAmount } from '../amount.js';
import { record } from '../audit/index.js';
import type { Core } from '../Core.js';
import { DAY_MS } from '../calendar.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { draw, orgIdsOf, requireMember, rolesFor, undraw } from '../orgs/index.js';
import { newestFirst } from '../keyset.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { find as findParty } from '../parties/index.js';
import { ifGiven } from '../table.js';
import { checkText } from '../text.js';
import * as store from './BillingStore.js';
import { invoiceCreated, invoicePaid, invoiceVoided, tellInvoice } from './events.js';
import { invoiceAfter, sumOf } from './Invoice.js';
import type { Invoice, InvoiceStatus, Line, PaidReceipt } from './Invoice.js';
import { giveBack, moveFromBalance, moveFromOutside } from './money.js';
import { paidUp } from './pastDue.js';

export type OfInvoice = { readonly principal: Principal; readonly invoiceId: string };

/** What is to be invoiced. */
export interface Billed {
  readonly customerId: string;
  readonly lines: readonly Line[];
  readonly subscriptionId?: string | undefined;
  readonly purchaseOrderId?: string | undefined;
  readonly sellers?: readonly string[];
}

/**
 * Makes an invoice, inside the caller's transaction; one with a purchase order draws it down.
 * @throws AgentPayError `purchase_order_not_found` unless it is the customer's, `purchase_order_exhausted`
 */
export async function bill(core: Core, tx: Tx, billed: Billed): Promise<Invoice> {
  const { customerId, lines, subscriptionId = null, purchaseOrderId = null, sellers = [] } = billed;
  const amount = sumOf(lines);
  if (purchaseOrderId !== null) await draw(tx, { orgId: customerId, purchaseOrderId, amount });
  const now = core.clock.now();
  const invoice: Invoice = {
    id: newId('invoice', core),
    customerId,
    subscriptionId,
    purchaseOrderId,
    amount,
    lines,
    sellers,
    status: 'open',
    dueAt: new Date(now + core.settings.billing.dueDays * DAY_MS),
    overdue: false,
    disputed: false,
    note: null,
    paidFrom: null,
    createdAt: new Date(now),
    endedAt: null,
  };
  await store.invoices.insert(tx, { ...invoice, lines: store.keptLines(lines) });
  await tellInvoice(core, tx, invoiceCreated, invoice);
  return invoice;
}

/**
 * The operator invoices a developer or an organization.
 * @throws AgentPayError `forbidden`, `developer_not_found`, `org_not_found`, `invalid_amount`, `invalid_request`,
 * `purchase_order_not_found`, `purchase_order_exhausted`
 */
export async function create(
  core: Core,
  request: {
    principal: Principal;
    customerId: string;
    amount: Amount;
    description: string;
    purchaseOrderId?: string | undefined;
  },
): Promise<Invoice> {
  requireParty(request.principal, 'platform');
  const { customerId, amount, purchaseOrderId } = request;
  checkAmount(amount, 'amount');
  const line = { desc: checkText('memo', request.description), amount };
  return core.db.tx(async (tx) => {
    const party = await findParty(tx, { partyId: customerId });
    if (party?.kind !== 'org' && party?.kind !== 'developer') throw noCustomer(customerId);
    const invoice = await bill(core, tx, { customerId, lines: [line], purchaseOrderId });
    await record(core, tx, {
      principal: request.principal,
      act: 'invoice.create',
      subject: invoice.id,
      tenants: [customerId],
      after: { amount },
    });
    return invoice;
  });
}

/** Invoices of the caller and of the organizations that they pay for, newest first; all of them for the operator. */
export async function list(
  core: Core,
  request: {
    principal: Principal;
    status?: InvoiceStatus | undefined;
  } & PageRequest,
): Promise<{ invoices: Invoice[] } & Counted> {
  const { status = null } = request;
  const customers = await customersOf(core.db, request.principal);
  const { rows, ...counted } = await store.invoices.page(core.db, {
    where: `${ifGiven(customers, 'customer_id = any($1)')} and ${ifGiven(status, 'status = $2')}`,
    params: [customers, status],
    order: newestFirst,
    ...page(request),
  });
  return { invoices: rows.map(store.readLines), ...counted };
}

/** @throws AgentPayError `invoice_not_found` unless it is the caller's or that of an organization that they pay for */
export async function get(core: Core, request: OfInvoice): Promise<Invoice> {
  return visible(core.db, request);
}

/**
 * The operator says that an invoice was paid outside of the platform, and gives its receipt. Again changes nothing.
 * @throws AgentPayError `forbidden`, `invoice_not_found`, `invoice_wrong_state`
 */
export function markPaid(core: Core, request: OfInvoice & { note: string }): Promise<Invoice> {
  requireParty(request.principal, 'platform');
  const note = checkText('note', request.note);
  return settle(core, request, { note, paidFrom: 'outside' });
}

/**
 * Pays an invoice from the balance of its customer, which the policies of an organization may refuse. Again changes nothing.
 * @throws AgentPayError `invoice_not_found`, `invoice_wrong_state`, `policy_denied`, `insufficient_funds`
 */
export function pay(core: Core, request: OfInvoice): Promise<Invoice> {
  return settle(core, request, { note: null, paidFrom: 'balance' });
}

async function settle(
  core: Core,
  request: OfInvoice,
  { note, paidFrom }: { note: string | null; paidFrom: 'balance' | 'outside' },
): Promise<Invoice> {
  return core.db.tx(async (tx) => {
    const invoice = await visible(tx, request, { lock: true });
    if (invoice.status === 'paid') return invoice;
    const status = invoiceAfter(invoice.status, 'pay');
    if (!status) throw wrongState(invoice);
    if (paidFrom === 'balance') await moveFromBalance(core, tx, invoice);
    else await moveFromOutside(core, tx, invoice);
    const endedAt = new Date(core.clock.now());
    const [paid] = await store.invoices.update(tx, { id: invoice.id }, { status, note, paidFrom, endedAt });
    const { id: invoiceId, customerId, amount, lines } = invoice;
    const others = { gatewayId: null, sellerId: null, authorizationId: null };
    await receive(core, tx, { customerId, invoiceId, amount, lines, ...others });
    const settled: Invoice = { ...invoice, ...paid, lines };
    await tellInvoice(core, tx, invoicePaid, settled);
    await paidUp(core, tx, settled);
    if (paidFrom === 'outside')
      await record(core, tx, {
        principal: request.principal,
        act: 'invoice.mark_paid',
        subject: invoiceId,
        tenants: [customerId],
        before: { status: invoice.status },
        after: { status, note },
      });
    return settled;
  });
}

/** What was paid is written down for the customer, inside the caller's transaction. */
export async function receive(
  core: Core,
  tx: Tx,
  paid: Omit<PaidReceipt, 'id' | 'createdAt'>,
): Promise<PaidReceipt> {
  const receipt = { id: newId('receipt', core), ...paid, createdAt: new Date(core.clock.now()) };
  await store.receipts.insert(tx, { ...receipt, lines: store.keptLines(paid.lines) });
  return receipt;
}

/** An open invoice is not owed any more, inside the caller's transaction that has locked it. */
export async function voidOpen(core: Core, tx: Tx, invoice: Invoice): Promise<void> {
  const status = invoiceAfter(invoice.status, 'void') as InvoiceStatus;
  await store.invoices.update(tx, { id: invoice.id }, { status, endedAt: new Date(core.clock.now()) });
  const { purchaseOrderId, amount } = invoice;
  if (purchaseOrderId !== null) await undraw(tx, { purchaseOrderId, amount });
  await tellInvoice(core, tx, invoiceVoided, { ...invoice, status });
}

/**
 * An invoice turned out not to be owed, inside the caller's transaction: an open one becomes void, one that was paid is given back to its
 * customer. Again changes nothing.
 */
export async function refund(core: Core, tx: Tx, { invoiceId }: { invoiceId: string }): Promise<void> {
  const kept = await store.invoices.lock(tx, { id: invoiceId });
  if (!kept) throw noInvoice();
  const invoice = store.readLines(kept);
  if (invoice.status === 'open') {
    await voidOpen(core, tx, invoice);
    return paidUp(core, tx, invoice);
  }
  const status = invoiceAfter(invoice.status, 'refund');
  if (!status) return;
  await giveBack(core, tx, invoice);
  await store.invoices.update(tx, { id: invoiceId }, { status, endedAt: new Date(core.clock.now()) });
  const { purchaseOrderId, amount } = invoice;
  if (purchaseOrderId !== null) await undraw(tx, { purchaseOrderId, amount });
  await tellInvoice(core, tx, invoiceVoided, { ...invoice, status });
}

/** Notes whether a dispute about an invoice is undecided, inside the caller's transaction. */
export async function setDisputed(
  tx: Tx,
  { invoiceId, disputed }: { invoiceId: string; disputed: boolean },
): Promise<void> {
  await store.invoices.update(tx, { id: invoiceId }, { disputed });
}

/** Customers whose invoices the caller sees; null: all of them. */
export async function customersOf(db: Queryable, { party }: Principal): Promise<string[] | null> {
  if (party.kind === 'platform') return null;
  return [party.id, ...(await orgIdsOf(db, party.id, rolesFor('spend')))];
}

async function visible(
  db: Queryable,
  { principal, invoiceId }: OfInvoice,
  { lock = false } = {},
): Promise<Invoice> {
  const found = isId('invoice', invoiceId)
    ? await (lock ? store.invoices.lock : store.invoices.find)(db, { id: invoiceId })
    : undefined;
  if (!found) throw noInvoice();
  const seen = await customersOf(db, principal);
  if (seen !== null && !seen.includes(found.customerId)) throw noInvoice();
  return store.readLines(found);
}

/** @throws AgentPayError `forbidden` and `org_not_found` unless the caller may spend for the customer: itself, or an organization */
export async function requireSpender(
  db: Queryable,
  { principal, orgId }: { principal: Principal; orgId?: string | undefined },
): Promise<string> {
  if (orgId === undefined) return requireParty(principal, 'developer');
  return (await requireMember(db, { principal, orgId }, 'spend')).org.id;
}

export function wrongState({ status }: Invoice): AgentPayError {
  return new AgentPayError('invoice_wrong_state', `The invoice is ${status}.`, { reason: status });
}

function noInvoice(): AgentPayError {
  return new AgentPayError('invoice_not_found', 'You have no invoice with this id.');
}

function noCustomer(id: string): AgentPayError {
  const kind = id.startsWith('org_') ? 'org' : 'developer';
  return new AgentPayError(`${kind}_not_found`, 'There is no such customer.');
}
