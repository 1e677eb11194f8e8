import { readFileSync } from 'node:fs';
import { memoize } from '@agentpay/primitives';
import { nounPages, referencePage } from './apiReference.js';
import { contents, pathOf } from './contents.js';
import { render, type Rendered } from './markdown.js';

/** A page of the documentation in both its forms. */
export interface DocsPage extends Rendered {
  readonly slug: string;
  readonly path: string;
  readonly markdown: string;
}

/** All of the documentation, as one API at one address gives it. */
export interface Library {
  /** `/docs` itself. */
  readonly start: DocsPage;
  /** Guides by slug, in reading order. */
  readonly guides: ReadonlyMap<string, DocsPage>;
  /** `/docs/api`. */
  readonly reference: DocsPage;
  /** Pages of the reference by `family.noun`. */
  readonly nouns: ReadonlyMap<string, DocsPage>;
}

/** The address that the texts have; readers see that of the API they ask. */
const WRITTEN_URL = 'http://127.0.0.1:3100';
/** The guides, a package of their own. */
const FOLDER = new URL('./', import.meta.resolve('@agentpay/docs/README.md'));

/** The documentation of the API at this address. */
export const library = memoize(1, (baseUrl: string): Library => {
  const guide = (slug: string) => pageOf(slug, pathOf(slug), textOf(slug, baseUrl));
  const slugs = contents.flatMap((section): readonly string[] => section.slugs);
  const nouns = [...nounPages(baseUrl)].map(([name, source]): [string, DocsPage] => [
    name,
    pageOf(name, `/docs/api/${name}`, source),
  ]);
  return {
    start: pageOf('README', '/docs', textOf('README', baseUrl)),
    guides: new Map(slugs.map((slug) => [slug, guide(slug)])),
    reference: pageOf('api', '/docs/api', referencePage(baseUrl)),
    nouns: new Map(nouns),
  };
});

/** Every page once. */
export function allPages({ start, guides, reference, nouns }: Library): DocsPage[] {
  return [start, ...guides.values(), reference, ...nouns.values()];
}

function textOf(slug: string, baseUrl: string): string {
  return readFileSync(new URL(`${slug}.md`, FOLDER), 'utf8').replaceAll(WRITTEN_URL, baseUrl);
}

function pageOf(slug: string, path: string, markdown: string): DocsPage {
  return { slug, path, markdown, ...render(markdown) };
}
