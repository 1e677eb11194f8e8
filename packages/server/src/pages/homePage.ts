import { frame } from './frame.js';
import { siteFiles } from './siteFiles.js';
import { html, type Html } from './template.js';

const ways: readonly {
  title: string;
  text: string;
  links: readonly (readonly [path: string, name: string])[];
}[] = [
  {
    title: 'Sell',
    text: 'Put a price on a route of your API. Whoever calls it pays first; whoever lost the response gets it again.',
    links: [
      ['/docs/quickstart-sellers', 'Quickstart for sellers'],
      ['/docs/sla-tokens', 'Get paid on time or not at all'],
      ['/storefront', 'See what others offer'],
    ],
  },
  {
    title: 'Buy',
    text: 'Give an agent a wallet and a budget. It pays within your limits, and asks you above them.',
    links: [
      ['/docs/quickstart-buyers', 'Quickstart for buyers'],
      ['/docs/policies', 'Limits, rules and approvals'],
      ['/dashboard', 'Open the dashboard'],
    ],
  },
  {
    title: 'Operate',
    text: 'Run all of it yourself: the API, the facilitator and their database, with books that balance.',
    links: [
      ['/docs/quickstart-operators', 'Quickstart for operators'],
      ['/docs/production', 'Going to production'],
      ['/ops/public-alpha', 'The public sandbox'],
    ],
  },
];

/** What this is and where to go. */
export function homePage(baseUrl: string): string {
  return frame({
    title: 'Payments for software agents',
    description:
      'AI agents buy from APIs over HTTP 402: a paywall, a paying client, and an API with wallets and spending rules.',
    head: html`<link rel="stylesheet" href="${siteFiles.style.path}" />`,
    body: html`<p class="lead">
        A server names its price with the status 402. A client that may spend pays it and asks again. AgentPay
        is both sides of that, and the books between them: money moves once, whatever is retried, and nobody
        is charged for a response that never came.
      </p>
      <p class="row">
        <a class="button" href="/docs">Read the docs</a>
        <a class="button plain" href="/explorer">Try it without an account</a>
      </p>
      <div class="grid">${ways.map(card)}</div>
      <h2>For programs</h2>
      <p>
        This server is the API, too. Ask it for its calls as <a href="/openapi/spec.json">OpenAPI</a> or as
        <a href="/ai/tools?format=openai">tools for a model</a>, connect over MCP, or begin with
        <a href="/llms.txt">llms.txt</a>. <a href="/integrations">Set-ups for twelve AI platforms</a> are
        ready to copy.
      </p>
      <pre
        tabindex="0"
      ><code>curl -X POST '${baseUrl}/v1/agents' -H 'Content-Type: application/json' -d '{"name":"First agent"}'</code></pre>`,
  });
}

function card({ title, text, links }: (typeof ways)[number]): Html {
  return html`<section class="card">
    <h2>${title}</h2>
    <p>${text}</p>
    <ul>
      ${links.map(([path, name]) => html`<li><a href="${path}">${name}</a></li>`)}
    </ul>
  </section>`;
}
