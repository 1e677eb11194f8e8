import { gateway } from '@agentpay/api';
import { orgs } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';

export const handlers = implement(gateway.nouns.purchaseOrders, ({ core }) => ({
  async create({ principal, params, body }) {
    const { amount_usdc: amount, memo } = body;
    const order = await orgs.createPurchaseOrder(core, { principal, orgId: params.org_id, amount, memo });
    return { po_id: order.id, status: orgs.purchaseOrderStatus(order) };
  },
  async list({ principal, params, query }) {
    const { purchaseOrders, ...page } = await orgs.listPurchaseOrders(core, {
      principal,
      orgId: params.org_id,
      ...query,
    });
    return {
      purchase_orders: purchaseOrders.map((order) => ({
        id: order.id,
        status: orgs.purchaseOrderStatus(order),
        amount_usdc: order.amount,
        drawn_usdc: order.drawn,
        memo: order.memo,
        created_at: order.createdAt,
      })),
      ...counted(page),
    };
  },
}));
