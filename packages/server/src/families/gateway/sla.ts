import { gateway } from '@agentpay/api';
import { catalog } from '@agentpay/core';
import { implement } from '../../http/implement.js';
import { kept, lastDays, monthBounds, showMeasured, showPromise } from './presentListing.js';

export const handlers = implement(gateway.nouns.sla, ({ core }) => ({
  async get({ params }) {
    const { id, sla } = await catalog.get(core.db, { listingId: params.agent_id });
    const days = lastDays(30, core.clock.now());
    const measured = await catalog.reliability(core.db, { listingId: id, ...days });
    return { ...showMeasured(measured), promise: sla && showPromise(sla) };
  },
  async report({ params, query }) {
    const { id, sla } = await catalog.get(core.db, { listingId: params.agent_id });
    const { month, ...days } = monthBounds(query.month, core.clock.now());
    const measured = await catalog.reliability(core.db, { listingId: id, ...days });
    return { month, ...showMeasured(measured), kept: sla && kept(sla, measured) };
  },
  async draftContract({ principal, params, body }) {
    const { org_id: orgId, terms, max_completion_seconds: maxCompletionSeconds } = body;
    const draft = { principal, listingId: params.agent_id, orgId, terms, maxCompletionSeconds };
    const { id, status } = await catalog.draftContract(core, draft);
    return { contract_id: id, status };
  },
  async acceptContract({ principal, params }) {
    const { id, status } = await catalog.acceptContract(core, {
      principal,
      listingId: params.agent_id,
      contractId: params.contract_id,
    });
    return { contract_id: id, status };
  },
}));
