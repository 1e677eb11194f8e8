import { design } from '@agentpay/http';
import { html, type Html } from './template.js';

/** What a page says beside its body. */
export interface Frame {
  readonly title: string;
  readonly description?: string;
  readonly body: Html;
  /** The path of the link of the header that is marked as the current one: `/docs`. */
  readonly current?: string;
  /** The heading, where the page needs more than its title; else the title is the `h1`. */
  readonly heading?: Html;
  /** Further elements of `head`: links, module scripts. Inline scripts do not run. */
  readonly head?: Html;
}

const LINKS = [
  ['/docs', 'Docs'],
  ['/storefront', 'Storefront'],
  ['/explorer', 'Explorer'],
  ['/dashboard', 'Dashboard'],
] as const;

/** A page of the product: header, `main` with its `h1`, footer. Colours follow the reader's system or their choice. */
export function frame({ title, description, body, current, heading, head }: Frame): string {
  const links = LINKS.map(
    ([path, name]) =>
      html`<li>
        <a href="${path}" ${path === current ? html`aria-current="page"` : undefined}>${name}</a>
      </li>`,
  );
  return html`<!doctype html>
    <html lang="en">
      <head>
        ${headOf({ title, description, head })}
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header class="masthead">
          <div>
            <a class="brand" href="/"><img src="/logo.svg" alt="" width="28" height="28" />AgentPay</a>
            <nav aria-label="Main">
              <ul class="links">
                ${links}
              </ul>
            </nav>
            <button class="plain" type="button" data-theme-switch>Light or dark</button>
          </div>
        </header>
        <main id="main">${heading ?? html`<h1>${title}</h1>`} ${body}</main>
        <footer class="footer">
          <div>
            AgentPay · <a href="/docs/api">API reference</a> · <a href="/llms.txt">llms.txt</a> ·
            <a href="/health">Status</a>
          </div>
        </footer>
      </body>
    </html> `.html;
}

/** What stands in the `head` of every page, the dashboard's own included. */
export function headOf({
  title,
  description,
  head,
}: {
  title: string;
  description?: string | undefined;
  head?: Html | undefined;
}): Html {
  return html`<meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${title} · AgentPay</title>
    ${description === undefined ? undefined : html`<meta name="description" content="${description}" />`}
    <link rel="icon" href="/logo.svg" type="image/svg+xml" />
    <link rel="stylesheet" href="${design.css.path}" />
    <script src="${design.theme.path}"></script>
    ${head}`;
}
