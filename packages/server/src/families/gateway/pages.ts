import { gateway } from '@agentpay/api';
import { billing, developers, orgs, type Core, type Principal } from '@agentpay/core';
import { formatDecimal } from '@agentpay/primitives';
import { implement } from '../../http/implement.js';
import { docsPage } from '../../pages/docs/docsPages.js';
import { library } from '../../pages/docs/library.js';
import { dashboardPage } from '../../pages/dashboardPage.js';
import { page, text } from '../../pages/html.js';
import { storefront, storefrontAgent, storefrontBundle } from './storefront.js';

export const handlers = implement(gateway.nouns.pages, ({ core, baseUrl }) => ({
  storefront: async ({ query }) => ({ html: await storefront(core, query) }),
  storefrontAgent: async ({ params }) => ({ html: await storefrontAgent(core, params.agent_id) }),
  storefrontBundle: async ({ params }) => ({ html: await storefrontBundle(core, params.bundle_id) }),
  async docs() {
    const all = library(baseUrl());
    return { html: docsPage(all, all.start), markdown: all.start.markdown };
  },
  dashboard: async ({ principal }) => ({ html: await dashboard(core, principal) }),
  async developerDashboard({ principal }) {
    await developers.self(core.db, principal);
    return { html: dashboardPage({ path: '/dev/dashboard', signedIn: false, presented: 'developer' }) };
  },
}));

async function dashboard(core: Core, principal: Principal): Promise<string> {
  const { name } = await developers.self(core.db, principal);
  const earned = await developers.earnings(core, { principal });
  const { orgs: own } = await orgs.list(core, { principal, limit: 100 });
  const { subscriptions } = await billing.listSubscriptions(core, { principal });
  const { invoices } = await billing.list(core, { principal });
  return page(
    'Dashboard',
    `<h1>${text(name)}</h1>
<p>Earned in ${text(earned.month)}: ${usdc(earned.total)}. Available: ${usdc(earned.available)}.</p>
<h2>Organizations</h2>
${table(
  ['Name', 'Id'],
  own.map((org) => [org.name, org.id]),
)}
<h2>Subscriptions</h2>
${table(
  ['Plan', 'Seats', 'Status', 'Until', 'Id'],
  subscriptions.map((each) => [each.plan, each.seatCount, each.status, day(each.periodEnd), each.id]),
)}
<h2>Invoices</h2>
${table(
  ['Amount', 'Status', 'Due', 'Id'],
  invoices.map((each) => [usdc(each.amount), each.status, day(each.dueAt), each.id]),
)}`,
  );
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  if (rows.length === 0) return '<p>None.</p>';
  const cells = (row: readonly (string | number)[], tag: string) =>
    `<tr>${row.map((cell) => `<${tag}>${text(String(cell))}</${tag}>`).join('')}</tr>`;
  return `<table>\n${cells(head, 'th')}\n${rows.map((row) => cells(row, 'td')).join('\n')}\n</table>`;
}

const usdc = (amount: bigint) => `${formatDecimal(amount)} USDC`;
const day = (at: Date) => at.toISOString().slice(0, 10);
