import { gateway } from '@agentpay/api';
import { billing } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';
import { receiptPdf } from '../../pages/billPdf.js';

export const handlers = implement(gateway.nouns.receipts, ({ core }) => ({
  async list({ principal, query }) {
    const { receipts, ...page } = await billing.listReceipts(core, { principal, ...query });
    return { receipts: receipts.map(shown), ...counted(page) };
  },
  get: async ({ principal, params }) =>
    shown(await billing.getReceipt(core, { principal, receiptId: params.receipt_id })),
  pdf: async ({ principal, params }) => ({
    bytes: await receiptPdf(await billing.getReceipt(core, { principal, receiptId: params.receipt_id })),
  }),
}));

function shown(receipt: billing.PaidReceipt) {
  return {
    id: receipt.id,
    amount_usdc: receipt.amount,
    line_items: [...receipt.lines],
    invoice_id: receipt.invoiceId,
    authorization_id: receipt.authorizationId,
    created_at: receipt.createdAt,
  };
}
