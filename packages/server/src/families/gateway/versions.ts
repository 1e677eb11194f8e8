import { gateway } from '@agentpay/api';
import { catalog } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';

export const handlers = implement(gateway.nouns.versions, ({ core }) => ({
  async list({ params, query }) {
    const { versions, ...page } = await catalog.versionsOf(core, { listingId: params.agent_id, ...query });
    const shown = versions.map(({ version, notes, createdAt }) => ({
      id: version,
      notes,
      created_at: createdAt,
    }));
    return { versions: shown, ...counted(page) };
  },
  async add({ principal, params, body }) {
    const released = await catalog.addVersion(core, { principal, listingId: params.agent_id, ...body });
    return { id: released.version };
  },
}));
