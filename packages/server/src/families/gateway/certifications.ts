import { gateway } from '@agentpay/api';
import { catalog } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';

export const handlers = implement(gateway.nouns.certifications, ({ core }) => ({
  async apply({ principal, params, body }) {
    const { certification: name, evidence_url: evidenceUrl } = body;
    const asked = { principal, listingId: params.agent_id, name, evidenceUrl };
    const { status } = await catalog.applyForCertification(core, asked);
    return { certification: name, status };
  },
  async list({ principal, query }) {
    const page = await catalog.pendingCertifications(core, principal, query);
    const certifications = page.certifications.map(({ listingId, name, evidenceUrl, askedAt }) => ({
      agent_id: listingId,
      certification: name,
      evidence_url: evidenceUrl,
      asked_at: askedAt,
    }));
    return { certifications, ...counted(page) };
  },
  async decide({ principal, params, body }) {
    const { certification: name, decision } = body;
    const decided = { principal, listingId: params.agent_id, name, decision };
    const { status } = await catalog.decideCertification(core, decided);
    return { certification: name, status };
  },
}));
