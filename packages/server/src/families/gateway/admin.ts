import { gateway } from '@agentpay/api';
import { audit, billing, catalog, policies, wallets, webhooks, type Core } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';
import { showMeasured } from './presentListing.js';
import { checkBooks } from '../../ledger/checkBooks.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const MOST_FINDINGS = 100;

export const handlers = implement(gateway.nouns.admin, ({ core }) => ({
  tools: async () => ({ tools: ['reconcile' as const, 'replay' as const] }),
  async reconcile({ principal }) {
    const { report, findings } = await checkBooks(core);
    const act = { principal, act: 'tool.reconcile', subject: 'ledger', tenants: [], after: report };
    await audit.record(core, core.db, act);
    const status: 'completed' | 'failed' = findings.length === 0 ? 'completed' : 'failed';
    return {
      tool: 'reconcile' as const,
      status,
      report: { ...report },
      findings: findings.slice(0, MOST_FINDINGS),
    };
  },
  async replay({ principal, body }) {
    const asked = body.params?.since;
    const since = asked === undefined ? new Date(core.clock.now() - DAY_MS) : new Date(asked);
    const deliveries = await webhooks.replayDead(core, { principal, since });
    const after = { since: since.toISOString(), deliveries };
    const act = { principal, act: 'tool.replay', subject: 'webhooks', tenants: [], after };
    await audit.record(core, core.db, act);
    return {
      tool: 'replay' as const,
      status: 'completed' as const,
      report: { deliveries },
      findings: [],
    };
  },
  async wallets({ principal, query }) {
    const request = { principal, currency: billing.CURRENCY, ...query };
    const { wallets: found, ...page } = await wallets.listAll(core, request);
    return {
      wallets: found.map(({ wallet, available, balance }) => ({
        id: wallet.id,
        owner_id: wallet.ownerId,
        balance_usdc: balance,
        available_usdc: available,
        created_at: wallet.createdAt,
      })),
      ...counted(page),
    };
  },
  stats: () => stats(core),
  async grant({ principal, body }) {
    const { id } = await billing.grant(core, { principal, orgId: body.org_id, amount: body.amount_usdc });
    return { grant_id: id, status: 'issued' as const };
  },
  async grants({ principal, query: { org_id: orgId, ...wanted } }) {
    const { grants, ...page } = await billing.listGrants(core, { principal, orgId, ...wanted });
    return { grants: grants.map(shownGrant), ...counted(page) };
  },
  async reliability() {
    const now = core.clock.now();
    const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
    const range = { from: day(now - 30 * DAY_MS), to: day(now + DAY_MS) };
    return showMeasured(await catalog.reliability(core.db, range));
  },
}));

function shownGrant({ id, orgId, amount, createdAt }: billing.Grant) {
  return { id, org_id: orgId, amount_usdc: amount, created_at: createdAt };
}

/** Figures of the calendar month in UTC. */
async function stats(core: Core) {
  const atMs = core.clock.now();
  const month = new Date(atMs).toISOString().slice(0, 7);
  const kinds = ['org', 'developer', 'gateway'] as const;
  const [ofOrgs, ...others] = await Promise.all(
    kinds.map((kind) => policies.spendingOfKinds(core.db, { kinds: [kind], atMs })),
  );
  const spenders = (ofOrgs ?? []).filter(({ monthSpent }) => monthSpent > 0n);
  const active = new Set([...(await billing.activeOrgs(core.db)), ...spenders.map(({ partyId }) => partyId)]);
  // What gateways spend counts for their organization, too: of that, only what it pays itself is left to add.
  const own = await billing.paidByOrgs(core.db, { since: new Date(`${month}-01T00:00:00Z`) });
  const monthly = others.flat().reduce((sum, { monthSpent }) => sum + monthSpent, own);
  return { active_orgs: active.size, monthly_usdc: monthly, month };
}
