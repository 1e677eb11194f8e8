import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A file that pages load by a path which changes with its content. */
export interface SiteFile {
  readonly path: string;
  readonly type: string;
  readonly text: string;
}

/** Style and scripts of the public pages beside those that all pages share. */
export const siteFiles = {
  style: siteFile('site.css', 'text/css; charset=utf-8'),
  explorer: siteFile('explorer.js', 'text/javascript; charset=utf-8'),
  ops: siteFile('ops.js', 'text/javascript; charset=utf-8'),
} as const;

function siteFile(name: string, type: string): SiteFile {
  const text = readFileSync(new URL(`../../assets/${name}`, import.meta.url), 'utf8');
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 10);
  return { path: `/assets/${name.replace('.', `-${hash}.`)}`, type, text };
}
