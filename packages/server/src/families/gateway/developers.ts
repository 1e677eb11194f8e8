import { gateway } from '@agentpay/api';
import { developers } from '@agentpay/core';
import { implement } from '../../http/implement.js';

export const handlers = implement(gateway.nouns.developers, ({ core, baseUrl }) => ({
  async register({ body }) {
    const { developer, key } = await developers.register(core, body);
    // What is documented stays as documented, also where the sandbox has approved already.
    const registered = { developer_id: developer.id, status: 'pending' as const };
    return key === undefined ? registered : { ...registered, developer_key: key };
  },
  async approve({ principal, params }) {
    const { developer, key } = await developers.approve(core, {
      principal,
      developerId: params.developer_id,
    });
    return { status: developer.status, developer_key: key as string };
  },
  async suspend({ principal, params }) {
    const { status } = await developers.suspend(core, { principal, developerId: params.developer_id });
    return { status };
  },
  async profile({ principal }) {
    const { id, name, email, status, createdAt } = await developers.self(core.db, principal);
    return { id, name, email, status, created_at: createdAt };
  },
  rotateKey: async ({ principal, body }) => ({
    new_key: await developers.rotateKey(core, { principal, reason: body.reason }),
  }),
  dashboard: async () => ({ url: `${baseUrl()}/dev/dashboard` }),
}));
