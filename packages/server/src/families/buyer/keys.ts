import { buyer } from '@agentpay/api';
import { agents } from '@agentpay/core';
import { implement } from '../../http/implement.js';

export const handlers = implement(buyer.nouns.keys, ({ core }) => ({
  async create({ principal, params }) {
    const { credential, secret } = await agents.issueKey(core, { principal, agentId: params.id });
    return { id: credential.id, key: secret, createdAt: credential.createdAt };
  },
  async list({ principal, params }) {
    const keys = await agents.ownKeys(core, { principal, agentId: params.id });
    return { apiKeys: keys.map(({ id, createdAt }) => ({ id, createdAt })), total: keys.length };
  },
  async revoke({ principal, params: { id: agentId, key_id: keyId } }) {
    await agents.revokeKey(core, { principal, agentId, keyId });
    return { id: keyId, status: 'revoked' };
  },
}));
