import { runtime } from '@agentpay/api';
import { explorer } from '@agentpay/core';
import { implement } from '../../http/implement.js';

export const handlers = implement(runtime.nouns.explorer, ({ core }) => ({
  open: async () => shown(await explorer.open(core)),
  async session({ principal }) {
    const { session, role } = await explorer.read(core, { principal });
    const { rails, paymentMax, fundingMax } = core.settings.explorer;
    return {
      session_id: session.id,
      role,
      agent_id: session.agentId,
      wallet_id: session.walletId,
      expires_at: session.expiresAt,
      may_write: principal.scopes.includes('write'),
      rails: [...rails],
      payment_max: paymentMax,
      funding_max: fundingMax,
    };
  },
  renew: async ({ principal }) => shown(await explorer.renew(core, { principal })),
  async invite({ principal }) {
    const { code, expiresAt } = await explorer.invite(core, { principal });
    return { invite: code, expires_at: expiresAt };
  },
  exchange: async ({ body }) => shown(await explorer.exchange(core, { code: body.invite })),
}));

function shown({ session, role, accessToken, expiresAt }: explorer.Admission) {
  return {
    session_id: session.id,
    role,
    access_token: accessToken,
    expires_at: expiresAt,
    agent_id: session.agentId,
    wallet_id: session.walletId,
  };
}
