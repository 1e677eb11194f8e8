import { gateway } from '@agentpay/api';
import { catalog } from '@agentpay/core';
import { implement } from '../../http/implement.js';

export const handlers = implement(gateway.nouns.certifications, ({ core }) => ({
  async apply({ principal, params, body }) {
    const { certification: name, evidence_url: evidenceUrl } = body;
    const asked = { principal, listingId: params.agent_id, name, evidenceUrl };
    const { status } = await catalog.applyForCertification(core, asked);
    return { certification: name, status };
  },
  async decide({ principal, params, body }) {
    const { certification: name, decision } = body;
    const decided = { principal, listingId: params.agent_id, name, decision };
    const { status } = await catalog.decideCertification(core, decided);
    return { certification: name, status };
  },
}));
