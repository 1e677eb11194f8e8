import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A file of the dashboard. Its path changes with its content. */
export interface DashboardFile {
  readonly path: string;
  readonly type: string;
  readonly body: Buffer;
  /** The same compressed, by the name of the encoding. */
  readonly encoded: Readonly<Record<'br' | 'gzip', Buffer>>;
}

/** The dashboard as static files, and what its page loads first. */
export interface Dashboard {
  readonly script: string;
  readonly styles: readonly string[];
  readonly files: readonly DashboardFile[];
}

/** Where the files are served. */
export const DASHBOARD_BASE = '/assets/dashboard/';

interface Chunk {
  readonly file: string;
  readonly isEntry?: boolean;
  readonly css?: readonly string[];
}

const types: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};

/** Reads what `build.mjs` has built; undefined where it has not. */
export function readDashboard(folder = new URL('../build/', import.meta.url)): Dashboard | undefined {
  const file = (name: string) => fileURLToPath(new URL(name, folder));
  if (!existsSync(file('manifest.json'))) return undefined;
  const chunks = Object.values(
    JSON.parse(readFileSync(file('manifest.json'), 'utf8')) as Record<string, Chunk>,
  );
  const entry = chunks.find(({ isEntry }) => isEntry);
  if (!entry) return undefined;
  const names = new Set(chunks.flatMap((chunk) => [chunk.file, ...(chunk.css ?? [])]));
  const files = [...names].map((name) => ({
    path: DASHBOARD_BASE + name,
    type: types[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream',
    body: readFileSync(file(name)),
    encoded: { br: readFileSync(file(`${name}.br`)), gzip: readFileSync(file(`${name}.gz`)) },
  }));
  return {
    script: DASHBOARD_BASE + entry.file,
    styles: (entry.css ?? []).map((name) => DASHBOARD_BASE + name),
    files,
  };
}
