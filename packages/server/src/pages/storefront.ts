import type { billing, catalog, marketplace } from '@agentpay/core';
import { formatMoney, type Amount } from '@agentpay/primitives';
import { frame } from './frame.js';
import { siteFiles } from './siteFiles.js';
import { html, type Html } from './template.js';

/** A listing with what buyers ask about it. */
export interface ShownAgent {
  readonly listing: catalog.AgentListing;
  readonly developer: string;
  /** Names of the certificates that were granted. */
  readonly certifications: readonly string[];
  /** Of the last thirty days. */
  readonly measured: catalog.Reliability;
  /** Whether that is what was promised; null where nothing was. */
  readonly kept: boolean | null;
}

/** A bundle with the listings in it. */
export interface OfferedBundle {
  readonly bundle: billing.Bundle;
  readonly listings: readonly catalog.AgentListing[];
}

/** What of the storefront is asked for. */
export interface Wanted {
  readonly q?: string | undefined;
  readonly category?: string | undefined;
  readonly limit: number;
  readonly offset: number;
}

/** The storefront: agents, bundles and services, with prices, trust and SLA. */
export function storefrontPage(
  wanted: Wanted,
  {
    offers,
    total,
    bundles,
    services,
  }: {
    offers: readonly ShownAgent[];
    total: number;
    bundles: readonly OfferedBundle[];
    services: readonly marketplace.Service[];
  },
): string {
  const isSearch = wanted.q !== undefined || wanted.category !== undefined;
  return frame({
    title: 'Storefront',
    description: 'Agents, bundles and services that can be paid by the call.',
    current: '/storefront',
    head: siteStyle,
    body: html`<p>
        Agents that are paid by the call, bundles of them by the month, and services that take payment tokens.
        Each shows its price, what it promises and how it kept that.
      </p>
      <form action="/storefront" role="search" class="row find">
        <label>Look for <input type="search" name="q" value="${wanted.q ?? ''}" maxlength="120" /></label>
        <label>Category <input name="category" value="${wanted.category ?? ''}" maxlength="60" /></label>
        <button>Search</button> ${isSearch ? html`<a href="/storefront">Show all</a>` : undefined}
      </form>
      <h2 id="agents">Agents</h2>
      ${
        offers.length === 0
          ? html`<p class="notice">
              ${isSearch ? 'No agent fits. Search for less.' : 'No agent is offered yet.'}
            </p>`
          : html`<div class="grid">${offers.map(offerCard)}</div>`
      }
      ${pager(wanted, total)}
      <h2 id="bundles">Bundles</h2>
      ${
        bundles.length === 0
          ? html`<p class="notice">No bundle is offered yet.</p>`
          : html`<div class="grid">${bundles.map(bundleCard)}</div>`
      }
      <h2 id="services">Services</h2>
      ${servicesTable(services)}`,
  });
}

/** All there is to know about an agent before buying from it. */
export function offerPage({
  offer,
  versions,
}: {
  offer: ShownAgent;
  versions: readonly catalog.ListingVersion[];
}): string {
  const { listing, developer } = offer;
  const methods = listing.methods.map(
    ({ name, description, price }) =>
      html`<tr>
        <th scope="row"><code>${name}</code></th>
        <td>${description ?? ''}</td>
        <td class="amount">${usdc(price)}</td>
      </tr>`,
  );
  const history = versions.map(
    ({ version, notes, createdAt }) =>
      html`<li><code>${version}</code>, ${day(createdAt)}${notes === null ? '' : `: ${notes}`}</li>`,
  );
  return frame({
    title: listing.name,
    description: listing.description ?? `${listing.name}, an agent that is paid by the call.`,
    current: '/storefront',
    head: siteStyle,
    body: html`<p><a href="/storefront">Storefront</a></p>
      ${listing.status === 'active' ? undefined : html`<p role="alert">This agent is ${listing.status} and cannot be called.</p>`}
      ${listing.description === null ? undefined : html`<p>${listing.description}</p>`} ${badges(offer)}
      <dl class="facts">
        <dt>By</dt>
        <dd>${developer}</dd>
        <dt>Category</dt>
        <dd>${listing.category}</dd>
        <dt>Regions</dt>
        <dd>${listing.regions.length === 0 ? 'Not stated' : listing.regions.join(', ')}</dd>
        <dt>Id</dt>
        <dd><code>${listing.id}</code></dd>
      </dl>
      <h2>Prices</h2>
      ${table('Price of each method', ['Method', 'What it does', amountHead('A call')], methods)}
      <h2>SLA</h2>
      ${slaTable(offer)}
      <h2>Call it</h2>
      <p>
        A gateway calls this agent with its key and pays for the call from its balance. See
        <a href="/docs/api/gateway.calls">how calls are made</a>.
      </p>
      <pre tabindex="0"><code>${callOf(listing)}</code></pre>
      <h2>Versions</h2>
      <ul>
        ${history}
      </ul>`,
  });
}

/** A bundle and what is in it. */
export function bundlePage({ bundle, listings }: OfferedBundle): string {
  const inside = listings.map(
    (listing) =>
      html`<tr>
        <th scope="row"><a href="/storefront/agents/${listing.id}">${listing.name}</a></th>
        <td>${listing.category}</td>
        <td>${listing.status}</td>
        <td class="amount">${cheapest(listing)}</td>
      </tr>`,
  );
  return frame({
    title: bundle.name,
    description: `${bundle.name}: ${listings.length} agents for one price a month.`,
    current: '/storefront',
    head: siteStyle,
    body: html`<p><a href="/storefront#bundles">Storefront</a></p>
      <p><span class="figure">${usdc(bundle.price)}</span> a month</p>
      <dl class="facts">
        <dt>Id</dt>
        <dd><code>${bundle.id}</code></dd>
        <dt>Since</dt>
        <dd>${day(bundle.createdAt)}</dd>
      </dl>
      <h2>What is in it</h2>
      ${table('Agents of the bundle', ['Agent', 'Category', 'Status', amountHead('A call, else')], inside)}
      <p>
        An organization <a href="/docs/api/gateway.bundles">subscribes to it</a> and is invoiced each month.
      </p>`,
  });
}

function offerCard(offer: ShownAgent): Html {
  const { listing, developer } = offer;
  return html`<article class="card">
    <h3><a href="/storefront/agents/${listing.id}">${listing.name}</a></h3>
    <p class="muted small">${listing.category}, by ${developer}</p>
    ${listing.description === null ? undefined : html`<p>${listing.description}</p>`}
    <p><strong>${cheapest(listing)}</strong> a call</p>
    ${badges(offer)}
  </article>`;
}

function bundleCard({ bundle, listings }: OfferedBundle): Html {
  return html`<article class="card">
    <h3><a href="/storefront/bundles/${bundle.id}">${bundle.name}</a></h3>
    <p><strong>${usdc(bundle.price)}</strong> a month</p>
    <p class="small">${listings.map(({ name }) => name).join(', ')}</p>
  </article>`;
}

/** Trust in short: certificates, and whether promises were kept. */
function badges({ certifications, measured, kept }: ShownAgent): Html {
  const certified = certifications.map((name) => html`<span class="badge info">${name}</span> `);
  const promise =
    kept === null
      ? undefined
      : kept
        ? html`<span class="badge ok">SLA kept</span>`
        : html`<span class="badge danger">SLA missed</span>`;
  const calls =
    measured.calls === 0 ? 'no calls in 30 days' : `${measured.uptimePct} % of ${measured.calls} calls`;
  return html`<p>${certified} ${promise} <span class="badge">${calls}</span></p>`;
}

function slaTable({ listing: { sla }, measured }: ShownAgent): Html {
  const seconds = (value: number | undefined) => (value === undefined ? 'no promise' : `${value} s`);
  const ms = (value: number | undefined) => (value === undefined ? 'no promise' : `${value} ms`);
  const none = measured.calls === 0;
  const row = (name: string, promised: string, got: string) =>
    html`<tr>
      <th scope="row">${name}</th>
      <td>${promised}</td>
      <td>${none ? 'no calls' : got}</td>
    </tr>`;
  return table(
    'Promised, and measured over the last 30 days',
    ['', 'Promised', 'Measured'],
    [
      row(
        'Calls answered',
        sla?.uptimePct === undefined ? 'no promise' : `${sla.uptimePct} %`,
        `${measured.uptimePct} %`,
      ),
      row('95 % of calls done within', ms(sla?.p95Ms), `${measured.p95Ms} ms`),
      row('A call fails after', seconds(sla?.maxCompletionSeconds), '-'),
    ],
  );
}

function servicesTable(services: readonly marketplace.Service[]): Html {
  if (services.length === 0) return html`<p class="notice">No service is registered yet.</p>`;
  const rows = services.map(
    ({ name, category, price, currency, trustScore, verified, slaSeconds }) =>
      html`<tr>
        <th scope="row">${name} ${verified ? html`<span class="badge ok">verified</span>` : undefined}</th>
        <td>${category ?? '-'}</td>
        <td class="amount">${formatMoney(price)} ${currency}</td>
        <td class="amount">${trustScore} of 100</td>
        <td>${slaSeconds === null ? 'no promise' : `within ${slaSeconds} s`}</td>
      </tr>`,
  );
  return table(
    'Services that take payment tokens',
    ['Service', 'Category', amountHead('A call'), amountHead('Trust'), 'SLA'],
    rows,
  );
}

const siteStyle = html`<link rel="stylesheet" href="${siteFiles.style.path}" />`;
const amountHead = (name: string): Html => html`<th scope="col" class="amount">${name}</th>`;

function table(caption: string, head: readonly (string | Html)[], rows: readonly Html[]): Html {
  if (rows.length === 0) return html`<p class="notice">There are none.</p>`;
  const cells = head.map((name) => {
    if (typeof name !== 'string') return name;
    return name === '' ? html`<td></td>` : html`<th scope="col">${name}</th>`;
  });
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${cells}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

function pager({ q, category, limit, offset }: Wanted, total: number): Html | undefined {
  if (total <= limit && offset === 0) return undefined;
  const to = (start: number) => {
    const query = new URLSearchParams({
      ...(q ? { q } : {}),
      ...(category ? { category } : {}),
      offset: String(start),
    });
    return `/storefront?${query}`;
  };
  const last = Math.min(offset + limit, total);
  return html`<nav aria-label="Pages" class="row">
    ${offset > 0 ? html`<a href="${to(Math.max(0, offset - limit))}">Back</a>` : undefined}
    <span>${total === 0 ? 0 : Math.min(offset + 1, total)} to ${last} of ${total}</span>
    ${last < total ? html`<a href="${to(offset + limit)}">More</a>` : undefined}
  </nav>`;
}

function cheapest({ methods }: catalog.AgentListing): string {
  const prices = methods.map(({ price }) => price).sort((a, b) => (a < b ? -1 : 1));
  const [least] = prices;
  if (least === undefined) return 'No price yet';
  return `${prices.at(-1) === least ? '' : 'from '}${usdc(least)}`;
}

function callOf({ id, methods }: catalog.AgentListing): string {
  const body = { agent_id: id, method: methods[0]?.name ?? 'method', input: {} };
  return [
    `curl -X POST "$AGENTPAY_URL/gateway/call"`,
    `-H "X-Gateway-Key: $AGENTPAY_GATEWAY_KEY"`,
    `-H 'Content-Type: application/json'`,
    `-d '${JSON.stringify(body)}'`,
  ].join(' \\\n  ');
}

const usdc = (amount: Amount) => `${formatMoney(amount)} USDC`;
const day = (at: Date) => at.toISOString().slice(0, 10);
