import { pay } from '@agentpay/api';
import { apiKeys } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';

export const handlers = implement(pay.nouns.keys, ({ core }) => ({
  async create({ principal, body }) {
    const { id, name, secret } = await apiKeys.create(core, { principal, name: body.name });
    return { id, name, api_key: secret };
  },
  async list({ principal, query }) {
    const { keys, ...page } = await apiKeys.list(core, { principal, ...query });
    const shown = keys.map(({ id, name, revokedAt, createdAt }) => {
      const status = revokedAt === null ? ('active' as const) : ('revoked' as const);
      return { id, name, status, created_at: createdAt };
    });
    return { keys: shown, ...counted(page) };
  },
  async delete({ principal, params }) {
    await apiKeys.revoke(core, { principal, keyId: params.key_id });
    return { status: 'revoked' as const };
  },
}));
