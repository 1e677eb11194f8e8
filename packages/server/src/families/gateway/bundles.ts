import { gateway } from '@agentpay/api';
import { billing } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';

export const handlers = implement(gateway.nouns.bundles, ({ core }) => ({
  async create({ principal, body: { name, agent_ids: listingIds, price_usdc: price } }) {
    const { id, status } = await billing.createBundle(core, { principal, name, listingIds, price });
    return { bundle_id: id, status };
  },
  async list({ query }) {
    const { bundles, ...page } = await billing.listBundles(core, query);
    return { bundles: bundles.map(shown), ...counted(page) };
  },
  get: async ({ params }) => shown(await billing.getBundle(core.db, { bundleId: params.bundle_id })),
  async subscribe({ principal, params, body }) {
    const { org_id: orgId, po_id: purchaseOrderId } = body;
    const request = { principal, bundleId: params.bundle_id, orgId, purchaseOrderId };
    const { subscription, invoice } = await billing.subscribeToBundle(core, request);
    return { subscription_id: subscription.id, status: subscription.status, invoice_id: invoice.id };
  },
}));

function shown({ id, name, listingIds, price }: billing.Bundle) {
  return { id, name, agents: [...listingIds], price_usdc: price };
}
