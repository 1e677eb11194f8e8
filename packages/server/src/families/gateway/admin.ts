import { gateway } from '@agentpay/api';
import {
  audit,
  billing,
  catalog,
  ledger,
  policies,
  wallets,
  webhooks,
  type Core,
  type Principal,
} from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';
import { showMeasured } from './presentListing.js';
import { checkBooks } from '../../ledger/checkBooks.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const MOST_FINDINGS = 100;

const toolNames: ('reconcile' | 'replay' | 'adopt')[] = ['reconcile', 'replay', 'adopt'];
type Tool = (typeof toolNames)[number];

/** Writes down that a tool was run, and shows what it said. */
async function ran(
  core: Core,
  principal: Principal,
  {
    tool,
    subject,
    report,
    findings = [],
    after = report,
  }: {
    readonly tool: Tool;
    readonly subject: string;
    readonly report: Readonly<Record<string, number>>;
    readonly findings?: readonly string[];
    readonly after?: Readonly<Record<string, unknown>>;
  },
) {
  await audit.record(core, core.db, { principal, act: `tool.${tool}`, subject, tenants: [], after });
  const status: 'completed' | 'failed' = findings.length === 0 ? 'completed' : 'failed';
  return { tool, status, report: { ...report }, findings: findings.slice(0, MOST_FINDINGS) };
}

const toolsOf = (core: Core) => ({
  tools: async () => ({ tools: toolNames }),
  reconcile: async ({ principal }: { readonly principal: Principal }) =>
    ran(core, principal, { tool: 'reconcile', subject: 'ledger', ...(await checkBooks(core)) }),
  async adopt({ principal }: { readonly principal: Principal }) {
    const { treasury } = core.ports;
    const adopted = treasury && (await ledger.adopt(core, treasury));
    const said =
      adopted === undefined
        ? { report: {}, findings: ['The treasury could not be asked.'] }
        : { report: { micro_usdc: Number(adopted) } };
    return ran(core, principal, { tool: 'adopt', subject: 'ledger', ...said });
  },
});

export const handlers = implement(gateway.nouns.admin, ({ core }) => ({
  ...toolsOf(core),
  async replay({ principal, body }) {
    const asked = body.params?.since;
    const since = asked === undefined ? new Date(core.clock.now() - DAY_MS) : new Date(asked);
    const deliveries = await webhooks.replayDead(core, { principal, since });
    const after = { since: since.toISOString(), deliveries };
    return ran(core, principal, { tool: 'replay', subject: 'webhooks', report: { deliveries }, after });
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
