import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { x402v2 } from '@agentpay/protocol';
import { ceilingOf, choicesOf, type Choice } from './choices.js';
import { style } from './style.js';

/** Compiled from `browser/pay.ts`, which imports nothing. */
const script = readFileSync(new URL('./browser/pay.js', import.meta.url), 'utf8');

const policy = [
  "default-src 'none'",
  `script-src '${sha256(script)}'`,
  `style-src '${sha256(style)}'`,
  "connect-src 'self'",
  'img-src blob:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Headers of the page besides those of every 402. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': policy,
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

/**
 * The 402 for people: what is for sale, and a button that pays it with the wallet of the browser (EIP-1193). It is self-contained and says
 * what the `PAYMENT-REQUIRED` header says.
 * @param detail why a payment was refused, if one was
 * @param nowSeconds Unix time, from which the payment's own times are counted
 */
export function payPage(
  required: x402v2.PaymentRequired,
  { detail, nowSeconds }: { detail?: string; nowSeconds: number },
): string {
  const { resource } = required;
  const title = resource.description || 'This page costs money';
  const choices = choicesOf(required);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<section id="offer" aria-labelledby="title">
<p class="kicker">${escapeHtml(hostOf(resource.url))} asks for a payment</p>
<h1 id="title">${escapeHtml(title)}</h1>
${choices.length > 0 ? offerOf(choices, resource) : unpayable(required)}
</section>
<section id="bought" aria-labelledby="bought-title" hidden>
<p class="kicker">${escapeHtml(title)}</p>
<h1 id="bought-title" tabindex="-1">Here is what you paid for</h1>
<div id="content"></div>
<dl id="receipt"></dl>
</section>
<p id="status" role="status"${detail ? ' class="fault"' : ''}>${escapeHtml(detail ?? '')}</p>
${forPrograms(resource.url, choices.length === 0)}
</main>
${choices.length > 0 ? scriptsOf({ now: nowSeconds, resource, choices }) : ''}
</body>
</html>
`;
}

/** What is asked for where no wallet of a browser can pay it. */
function unpayable(required: x402v2.PaymentRequired): string {
  const ceiling = ceilingOf(required);
  const why = 'A wallet in a browser cannot make this payment. Pay it with a program.';
  if (ceiling === undefined) return `<p>${why}</p>`;
  const [{ payTo = '' } = {}] = required.accepts.filter(({ scheme }) => scheme === 'upto');
  return `<p class="price">up to ${escapeHtml(ceiling)}</p>
<p class="unit">You pay for what is used, and never more than this.</p>
<dl>
${row('Paid to', `<code>${escapeHtml(payTo)}</code>`)}
${row('Address', `<code>${escapeHtml(required.resource.url)}</code>`)}
</dl>
<p>${why}</p>`;
}

/** For who has no wallet here. Links to wallets are made by the script, for the address that is open. */
const withoutWallet = `<details id="no-wallet">
<summary>No wallet here?</summary>
<p>On a phone, open this page in the browser of your wallet. On a computer, install a wallet as an extension and load the page again.</p>
<ul id="wallets"></ul>
</details>`;

function offerOf(choices: readonly Choice[], { url }: x402v2.Resource): string {
  const [first] = choices as [Choice, ...Choice[]];
  const caption = `Pay ${choices.length === 1 ? `${first.price} ` : ''}with your wallet`;
  const button = `<button type="button" id="pay" data-label="${escapeHtml(caption)}">${escapeHtml(caption)}</button>`;
  const price = choices.every((choice) => choice.price === first.price)
    ? `<p class="price">${escapeHtml(first.price)}</p>\n`
    : '';
  return `${price}${choices.length === 1 ? `<p class="unit">${escapeHtml(first.label)}</p>` : radios(choices)}
<dl>
${distinct(choices, ({ accepted }) => accepted.payTo)
  .map((payTo) => row('Paid to', `<code>${escapeHtml(payTo)}</code>`))
  .join('\n')}
${row('Network', escapeHtml(distinct(choices, ({ chain }) => chain.chainName).join(', ')))}
${row('Address', `<code>${escapeHtml(url)}</code>`)}
</dl>
<noscript><p><strong>Paying here needs JavaScript.</strong> Without it, pay with a program.</p></noscript>
${button}
${withoutWallet}`;
}

function distinct(choices: readonly Choice[], textOf: (choice: Choice) => string): string[] {
  return [...new Set(choices.map(textOf))];
}

function row(term: string, html: string): string {
  return `<div><dt>${term}</dt><dd>${html}</dd></div>`;
}

function radios(choices: readonly Choice[]): string {
  const options = choices.map(({ label }, index) => {
    return `<label><input type="radio" name="choice" value="${index}"${index === 0 ? ' checked' : ''}> ${escapeHtml(label)}</label>`;
  });
  return `<fieldset><legend>Pay</legend>${options.join('')}</fieldset>`;
}

function forPrograms(url: string, isOnlyWay: boolean): string {
  return `<details${isOnlyWay ? ' open' : ''}>
<summary>Pay with a program</summary>
<p>The response to this request holds the offer for x402 and MPP clients.</p>
<pre id="command" tabindex="0">curl -i ${escapeHtml(shellQuote(url))}</pre>
${isOnlyWay ? '' : '<button type="button" id="copy">Copy</button>'}
</details>`;
}

/** The terms as data, which browsers do not run, and the script. */
function scriptsOf(terms: { now: number; resource: x402v2.Resource; choices: readonly Choice[] }): string {
  const data = JSON.stringify(terms).replaceAll('<', '\\u003c');
  return `<script type="application/json" id="terms">${data}</script>\n<script type="module">${script}</script>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ENTITIES[char] as string);
}

function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'The seller';
}

function sha256(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
