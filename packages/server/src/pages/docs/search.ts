import MiniSearch from 'minisearch';
import { memoize } from '@agentpay/primitives';
import { allPages, library } from './library.js';

/** A place in the documentation that a search found. */
export interface SearchHit {
  readonly title: string;
  readonly page: string;
  readonly path: string;
  readonly excerpt: string;
}

const MAX_FOUND = 30;
const EXCERPT = 180;

interface Entry extends SearchHit {
  readonly id: number;
  readonly text: string;
}

const index = memoize(1, (baseUrl: string) => {
  const search = new MiniSearch<Entry>({
    fields: ['title', 'page', 'text'],
    storeFields: ['title', 'page', 'path', 'excerpt'],
    searchOptions: { boost: { title: 4, page: 2 }, prefix: true, fuzzy: 0.15, combineWith: 'AND' },
  });
  const entries = allPages(library(baseUrl)).flatMap(({ title: page, path, sections }) =>
    sections.map(({ title, level, anchor, text }) => ({
      title,
      page,
      path: level === 1 ? path : `${path}#${anchor}`,
      excerpt: text.replace(/\s+/g, ' ').slice(0, EXCERPT),
      text,
    })),
  );
  search.addAll(entries.map((entry, id) => ({ id, ...entry })));
  return search;
});

/** The parts of the documentation that have all these words, the best first. */
export function searchDocs(baseUrl: string, words: string): SearchHit[] {
  const results = index(baseUrl).search(words);
  return results.slice(0, MAX_FOUND).map(({ title, page, path, excerpt }) => ({
    title: String(title),
    page: String(page),
    path: String(path),
    excerpt: String(excerpt),
  }));
}
