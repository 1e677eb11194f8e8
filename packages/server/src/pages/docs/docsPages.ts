import { frame } from '../frame.js';
import { siteFiles } from '../siteFiles.js';
import { html, type Html } from '../template.js';
import { contents } from './contents.js';
import type { DocsPage, Library } from './library.js';
import type { Section } from './markdown.js';
import type { SearchHit } from './search.js';

/** A page of the documentation in its frame: what else there is, and where one is on the page. */
export function docsPage(library: Library, page: DocsPage): string {
  const parts = page.sections.filter(({ level }) => level === 2);
  return docsFrame(library, {
    title: page.title,
    description: page.description,
    path: page.path,
    body: html`<article class="prose">
      ${parts.length > 2 ? onThisPage(parts) : undefined} ${{ html: page.html }}
      <p class="small muted"><a href="${page.path}.md">This page as Markdown</a></p>
    </article>`,
  });
}

/** What a search found. */
export function searchPage(library: Library, words: string, found: readonly SearchHit[]): string {
  const items = found.map(
    ({ title, page, path, excerpt }) =>
      html`<li>
        <a href="${path}">${title}</a> <span class="muted small">${page}</span>
        <p class="small">${excerpt}</p>
      </li>`,
  );
  const outcome =
    words.trim() === ''
      ? html`<p>Type what you look for: a word of a guide, a path, an error.</p>`
      : found.length === 0
        ? html`<p role="status">
            Nothing has all of these words. Try fewer, or look through the
            <a href="/docs/api">API reference</a>.
          </p>`
        : html`<ol class="found">
            ${items}
          </ol>`;
  return docsFrame(library, {
    title: 'Search',
    description: 'Search the documentation.',
    path: '/docs/search',
    body: html`<h1>Search</h1>
      ${searchForm('search-again', words)} ${outcome}`,
  });
}

function docsFrame(
  library: Library,
  { title, description, path, body }: { title: string; description: string; path: string; body: Html },
): string {
  return frame({
    title,
    description,
    current: '/docs',
    heading: html``,
    head: html`<link rel="stylesheet" href="${siteFiles.style.path}" />
      ${path === '/docs/search' ? html`<meta name="robots" content="noindex" />` : alternate(path)}`,
    body: html`<div class="columns docs">
      <aside>
        ${path === '/docs/search' ? undefined : searchForm('search', '')} ${navigation(library, path)}
      </aside>
      <div>${body}</div>
    </div>`,
  });
}

function alternate(path: string): Html {
  return html`<link rel="alternate" type="text/markdown" href="${path}.md" />`;
}

function searchForm(id: string, words: string): Html {
  return html`<form action="/docs/search" role="search" class="row search">
    <label for="${id}">Search the docs</label>
    <input id="${id}" type="search" name="q" value="${words}" maxlength="200" />
    <button>Search</button>
  </form>`;
}

function navigation({ guides, nouns }: Library, current: string): Html {
  const link = (path: string, title: string) =>
    html`<li>
      <a href="${path}" ${path === current ? html`aria-current="page"` : undefined}>${title}</a>
    </li>`;
  const groups = contents.map(({ title, slugs }) => {
    const links = slugs.map((slug) => {
      const page = guides.get(slug) as DocsPage;
      return link(page.path, page.title);
    });
    return group(title, links);
  });
  const inReference = current.startsWith('/docs/api');
  const shown = inReference ? [...nouns.values()] : [];
  const reference = [
    link('/docs/api', 'API reference'),
    ...shown.map(({ path, title }) => link(path, title.replace(/:.*/, ''))),
  ];
  const order = inReference ? [group('API', reference), ...groups] : [...groups, group('API', reference)];
  return html`<nav aria-label="Documentation" class="contents">
    <ul>
      ${link('/docs', 'Overview')}
    </ul>
    ${order}
  </nav>`;
}

function group(title: string, links: readonly Html[]): Html {
  return html`<p class="group">${title}</p>
    <ul>
      ${links}
    </ul>`;
}

function onThisPage(parts: readonly Section[]): Html {
  const links = parts.map(({ title, anchor }) => html`<li><a href="#${anchor}">${title}</a></li>`);
  return html`<details class="on-this-page">
    <summary>On this page</summary>
    <ul>
      ${links}
    </ul>
  </details>`;
}

/** https://llmstxt.org: what models read first. */
export function llmsText(library: Library): string {
  const line = ({ title, path, description }: DocsPage) => `- [${title}](${path}.md): ${description}`;
  const sections = contents.map(({ title, slugs }) => {
    const pages = slugs.map((slug) => library.guides.get(slug) as DocsPage);
    return `## ${title}\n\n${pages.map(line).join('\n')}`;
  });
  const reference = [library.reference, ...library.nouns.values()];
  return `# AgentPay

> Software agents pay for API calls over HTTP 402: a paywall for sellers, a paying client for buyers, and an API with wallets, spending
> rules, payments, disputes and a marketplace. Money moves once, whatever is retried.

Every page is Markdown at its address with \`.md\`, or by \`Accept: text/markdown\`. The API as a document: /openapi/spec.json; its calls
as tools: /ai/tools?format=openai; over MCP: POST /mcp.

${sections.join('\n\n')}

## API

${reference.map(line).join('\n')}
`;
}
