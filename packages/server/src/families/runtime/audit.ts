import { runtime } from '@agentpay/api';
import { audit } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';

export const handlers = implement(runtime.nouns.audit, ({ core }) => ({
  async list({ principal, query }) {
    const { tenant_id: tenantId, actor_id: actorId, ...rest } = query;
    const page = await audit.list(core, { principal, tenantId, actorId, ...rest });
    return { entries: page.entries.map(show), ...counted(page) };
  },
}));

function show(entry: audit.AuditEntry) {
  return {
    id: entry.id,
    at: entry.at,
    credential_id: entry.credentialId,
    actor_id: entry.actorId,
    tenant_ids: [...entry.tenantIds],
    act: entry.act,
    subject: entry.subject,
    before: entry.before,
    after: entry.after,
    request_id: entry.requestId,
  };
}
