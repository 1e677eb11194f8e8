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
  /** What the page at a path of the dashboard will load, so that it can be asked for at once instead of one after the other. */
  readonly ahead: (path: string) => Ahead;
}

export interface Ahead {
  /** Scripts beside the first one. */
  readonly modules: readonly string[];
  /** Calls of the API by the session. */
  readonly data: readonly string[];
}

/** The parts that are loaded when they are looked at, by the addresses of their pages; the first that fits. */
const parts: readonly (readonly [path: RegExp, source: string | undefined])[] = [
  [/^\/dashboard(\/agents|\/payments)?$/, undefined],
  [/^\/dashboard\/approvals$/, 'agents/ApprovalInbox'],
  [/^\/dashboard\/agents\/[^/]+$/, 'agents/AgentPage'],
  [/^\/dashboard\/agents\/[^/]+\/payments\/[^/]+$/, 'agents/PaymentPage'],
  [/^\/dashboard\/(runtime\/)?agreements\/[^/]+$/, 'agreements/AgreementPage'],
  [/^\/dev\/dashboard\/listings\/[^/]+$/, 'listings/ListingPage'],
  [/^/, 'ScreenRoutes'],
];
/** What pages of the signed-in user show first, as `ownApi` of the application asks for it. */
const AGENTS = '/api/agents?limit=100&offset=0';

/** Where the files are served. */
export const DASHBOARD_BASE = '/assets/dashboard/';

interface Chunk {
  readonly file: string;
  readonly isEntry?: boolean;
  readonly imports?: readonly string[];
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
  const manifest = JSON.parse(readFileSync(file('manifest.json'), 'utf8')) as Record<string, Chunk>;
  const chunks = Object.values(manifest);
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
    ahead: (path) => aheadOf(manifest, entry, path),
  };
}

function aheadOf(manifest: Readonly<Record<string, Chunk>>, entry: Chunk, path: string): Ahead {
  const [, part] = parts.find(([fits]) => fits.test(path)) ?? [];
  const shown = part === undefined ? undefined : manifest[`dist/app/${part}.js`];
  const modules = new Set<string>();
  const take = ({ file, imports = [] }: Chunk): void => {
    if (modules.has(file)) return;
    modules.add(file);
    for (const key of imports) if (manifest[key]) take(manifest[key]);
  };
  take(entry);
  if (shown) take(shown);
  modules.delete(entry.file);
  const data = part === undefined && path.startsWith('/dashboard') ? [AGENTS] : [];
  return { modules: [...modules].map((name) => DASHBOARD_BASE + name), data };
}
