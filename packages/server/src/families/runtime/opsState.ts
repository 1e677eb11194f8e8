import type { ResponseOf, runtime } from '@agentpay/api';
import { explorer, webhooks, type Core, type Principal } from '@agentpay/core';
import type { Rates } from '../../http/rateLimit.js';

/** What the operator of the public sandbox is told, as JSON and as a page. */
export async function opsState(
  core: Core,
  { principal, rates }: { principal: Principal; rates: Rates },
): Promise<ResponseOf<typeof runtime.nouns.ops.state>> {
  const sessions = await explorer.list(core, { principal });
  const settings = core.settings.explorer;
  return {
    sessions: sessions.map(({ id, agentId, createdAt, expiresAt }) => ({
      session_id: id,
      agent_id: agentId,
      created_at: createdAt,
      expires_at: expiresAt,
    })),
    settings: {
      sandbox: core.settings.wallets.sandbox,
      host_writes: settings.hostWrites,
      guest_writes: settings.guestWrites,
      session_ttl_seconds: settings.sessionTtlMs / 1000,
      access_ttl_seconds: settings.accessTtlMs / 1000,
      invite_ttl_seconds: settings.inviteTtlMs / 1000,
      invite_uses: settings.inviteUses,
      max_sessions: settings.maxSessions,
      rails: [...settings.rails],
      payment_max: settings.paymentMax,
      funding_max: settings.fundingMax,
    },
    rate_limits: { per_minute: rates.perMinute, burst: rates.burst },
    queue_depth: await webhooks.backlog(core),
    kill_switch: await explorer.killSwitch(core),
  };
}
