import { gateway } from '@agentpay/api';
import { billing } from '@agentpay/core';
import { AgentPayError } from '@agentpay/primitives';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';
import { invoicePdf } from '../../pages/billPdf.js';

export const handlers = implement(gateway.nouns.invoices, ({ core }) => ({
  async list({ principal, query }) {
    const { invoices, ...page } = await billing.list(core, { principal, ...query });
    return { invoices: invoices.map(shown), ...counted(page) };
  },
  get: async ({ principal, params }) =>
    shown(await billing.get(core, { principal, invoiceId: params.invoice_id })),
  pdf: async ({ principal, params }) => ({
    bytes: await invoicePdf(await billing.get(core, { principal, invoiceId: params.invoice_id })),
  }),
  async pay({ principal, params }) {
    const { status } = await billing.pay(core, { principal, invoiceId: params.invoice_id });
    return { status };
  },
  async markPaid({ principal, params, body }) {
    const request = { principal, invoiceId: params.invoice_id, note: body.note };
    const { status } = await billing.markPaid(core, request);
    return { status };
  },
  async create({ principal, body }) {
    const { developer_id, org_id, amount_usdc: amount, description = 'services', po_id } = body;
    if ((developer_id === undefined) === (org_id === undefined))
      throw new AgentPayError('invalid_request', 'Field "developer_id" or "org_id": give one of them.', {
        param: 'developer_id',
      });
    const customerId = (developer_id ?? org_id) as string;
    const request = { principal, customerId, amount, description, purchaseOrderId: po_id };
    const { id, status, dueAt } = await billing.create(core, request);
    return { invoice_id: id, status, due_at: dueAt };
  },
}));

function shown(invoice: billing.Invoice) {
  return {
    id: invoice.id,
    status: invoice.status,
    customer_id: invoice.customerId,
    amount_usdc: invoice.amount,
    line_items: [...invoice.lines],
    subscription_id: invoice.subscriptionId,
    po_id: invoice.purchaseOrderId,
    due_at: invoice.dueAt,
    overdue: invoice.overdue,
    created_at: invoice.createdAt,
    ended_at: invoice.endedAt,
  };
}
