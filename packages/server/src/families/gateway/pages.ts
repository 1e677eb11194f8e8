import { endpointsOf, families, gateway, type Family } from '@agentpay/api';
import { billing, catalog, developers, orgs, type Core, type Principal } from '@agentpay/core';
import { formatDecimal } from '@agentpay/primitives';
import { implement } from '../../http/implement.js';
import { page, text } from '../../pages/html.js';

export const handlers = implement(gateway.nouns.pages, ({ core }) => ({
  storefront: async () => ({ html: await storefront(core) }),
  docs: async () => ({ html: docs() }),
  dashboard: async ({ principal }) => ({ html: await dashboard(core, principal) }),
  developerDashboard: async ({ principal }) => ({ html: await dashboard(core, principal) }),
}));

async function storefront(core: Core): Promise<string> {
  const { listings } = await catalog.search(core.db, { limit: 100 });
  const { bundles } = await billing.listBundles(core, { limit: 100 });
  const agents = listings.map(({ id, name, category, description, methods }) => {
    const prices = methods.map((method) => `${method.name} ${usdc(method.price)}`).join(', ');
    return [name, category, description ?? '', prices, id];
  });
  const offered = bundles.map(({ id, name, listingIds, price }) => [
    name,
    listingIds.length,
    usdc(price),
    id,
  ]);
  return page(
    'Storefront',
    `<h1>Agents</h1>
${table(['Name', 'Category', 'What it does', 'Methods', 'Id'], agents)}
<h2>Bundles</h2>
${table(['Name', 'Agents', 'A month', 'Id'], offered)}`,
  );
}

function docs(): string {
  const parts = Object.values<Family>(families).map((family) => {
    const rows = endpointsOf(family).map(({ method, path, summary }) => [`${method} ${path}`, summary]);
    return `<h2>${text(family.id)}</h2>\n${table(['Endpoint', 'What it does'], rows)}`;
  });
  return page(
    'API',
    `<h1>API</h1>
<p>The same as OpenAPI: <a href="/openapi/spec.json">/openapi/spec.json</a></p>
${parts.join('\n')}`,
  );
}

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
