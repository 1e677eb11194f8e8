import { gateway } from '@agentpay/api';
import { billing, catalog } from '@agentpay/core';
import { implement } from '../../http/implement.js';

export const handlers = implement(gateway.nouns.billing, ({ core }) => ({
  async complete({ principal, body }) {
    const { authorization_id: authorizationId, usage, amount_usdc: amount, agent_id: listingId } = body;
    const listing = listingId === undefined ? undefined : await catalog.get(core.db, { listingId });
    const request = { principal, authorizationId, usage, amount, developerId: listing?.developerId };
    const done = await billing.complete(core, request);
    return { receipt_id: done.receiptId as string, status: done.status, amount_usdc: done.used as bigint };
  },
}));
