import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A file that pages load by a path which changes with its content, so that browsers may keep it for ever. */
export interface DesignFile {
  readonly path: string;
  readonly type: string;
  readonly text: string;
}

/** What every page of AgentPay loads: its colours, type, space and components, and the switch between light and dark. */
export const design = {
  css: designFile('design.css', 'text/css; charset=utf-8'),
  theme: designFile('theme.js', 'text/javascript; charset=utf-8'),
} as const;

/** `Cache-Control` of files whose path changes with their content (RFC 8246). */
export const FOR_EVER = 'public, max-age=31536000, immutable';

function designFile(name: string, type: string): DesignFile {
  const text = readFileSync(new URL(`../assets/${name}`, import.meta.url), 'utf8');
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 10);
  return { path: `/assets/${name.replace('.', `-${hash}.`)}`, type, text };
}
