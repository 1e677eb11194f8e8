import highlighter from 'highlight.js/lib/core';
import bash from 'highlight.js/lib/languages/bash';
import http from 'highlight.js/lib/languages/http';
import json from 'highlight.js/lib/languages/json';
import python from 'highlight.js/lib/languages/python';
import typescript from 'highlight.js/lib/languages/typescript';
import yaml from 'highlight.js/lib/languages/yaml';
import MarkdownIt from 'markdown-it';
import { text } from '../html.js';

/** A part of a page that can be linked to and found. */
export interface Section {
  readonly title: string;
  readonly level: number;
  /** Fragment of its address. */
  readonly anchor: string;
  /** Its words, without marks. */
  readonly text: string;
}

/** Markdown as HTML, with what is in it. */
export interface Rendered {
  readonly html: string;
  /** The first heading. */
  readonly title: string;
  /** The first paragraph, without marks. */
  readonly description: string;
  readonly sections: readonly Section[];
}

const languages = { sh: bash, ts: typescript, js: typescript, py: python, json, http, yaml };
for (const [name, language] of Object.entries(languages)) highlighter.registerLanguage(name, language);

const REPOSITORY = 'https://github.com/agentpay/agentpay/blob/main/';

/** HTML in the text is shown, not used: `html` is off. */
const markdown = new MarkdownIt({ html: false, linkify: false, typographer: false });

type Tokens = ReturnType<typeof markdown.parse>;

markdown.renderer.rules.fence = (tokens, index) => {
  const token = tokens[index] as Tokens[number];
  const [language = '', ...label] = token.info.trim().split(/\s+/);
  const code = coloured(token.content, language);
  const pre = `<pre tabindex="0"><code class="language-${text(language || 'text')}">${code}</code></pre>\n`;
  if (label.length === 0) return pre;
  const isFirst = !labelled(tokens[index - 1]);
  return `<details class="example"${isFirst ? ' open' : ''}><summary>${text(label.join(' '))}</summary>\n${pre}</details>\n`;
};
markdown.renderer.rules.table_open = () =>
  '<div class="scroll" tabindex="0" role="region" aria-label="Table"><table>\n';
markdown.renderer.rules.table_close = () => '</table></div>\n';

function labelled(token: Tokens[number] | undefined): boolean {
  return token?.type === 'fence' && token.info.trim().includes(' ');
}

function coloured(code: string, language: string): string {
  if (!highlighter.getLanguage(language)) return text(code);
  return highlighter.highlight(code, { language }).value;
}

/** Renders a page; its links to other pages and to files of the repository lead there. */
export function render(source: string): Rendered {
  const tokens = markdown.parse(source, {});
  for (const token of tokens.flatMap(({ children }) => children ?? [])) {
    if (token.type === 'link_open') token.attrSet('href', destination(String(token.attrGet('href') ?? '')));
  }
  const sections = sectionsOf(tokens);
  const first = tokens.findIndex(({ type }) => type === 'paragraph_open');
  return {
    html: markdown.renderer.render(tokens, markdown.options, {}),
    title: sections[0]?.title ?? '',
    description: first < 0 ? '' : plain(tokens[first + 1]),
    sections,
  };
}

/** Gives every heading its anchor, and collects what stands below it. */
function sectionsOf(tokens: Tokens): Section[] {
  const sections: { title: string; level: number; anchor: string; text: string }[] = [];
  const taken = new Set<string>();
  for (const [index, token] of tokens.entries()) {
    if (token.type === 'heading_open') {
      const title = plain(tokens[index + 1]);
      const anchor = anchorFor(title, taken);
      token.attrSet('id', anchor);
      sections.push({ title, level: Number(token.tag.slice(1)), anchor, text: '' });
    } else if (token.type === 'inline' || token.type === 'fence') {
      const section = sections.at(-1);
      const words = token.type === 'fence' ? token.content : plain(token);
      if (section && words !== section.title) section.text += `${words}\n`;
    }
  }
  return sections;
}

function plain(token: Tokens[number] | undefined): string {
  const parts = token?.children?.map(({ type, content }) => (type === 'softbreak' ? ' ' : content));
  return parts?.join('') ?? '';
}

function anchorFor(title: string, taken: Set<string>): string {
  const base =
    title
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '') || 'part';
  let anchor = base;
  for (let i = 2; taken.has(anchor); i++) anchor = `${base}-${i}`;
  taken.add(anchor);
  return anchor;
}

/** `webhooks.md#secret` is a page of the site, `../packages/sdk` a folder of the repository. */
function destination(href: string): string {
  const page = /^([\w-]+)\.md(#.*)?$/.exec(href);
  if (page) return `/docs/${page[1]}${page[2] ?? ''}`;
  return href.startsWith('../') ? REPOSITORY + href.slice(3) : href;
}
