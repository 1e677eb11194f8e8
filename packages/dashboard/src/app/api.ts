import { buyer, web } from '@agentpay/api';
import { createFamilyClient, type ApiClientOptions, type FamilyClient } from '@agentpay/sdk';

/** Whose view a part of the dashboard is: the signed-in user's, or that of the holder of a key which is typed into the page. */
export type Area = 'session' | KeyArea;
export type KeyArea = 'agent' | 'gateway' | 'developer' | 'operator';

/** Headers of requests that carry a key; anything else is done by the session. */
const KEY_HEADERS = ['authorization', 'x-gateway-key', 'x-developer-key', 'x-admin-key'];

const slot = (area: KeyArea) => `agentpay.key.${area}`;

/** The key of this tab. It is kept until the tab closes, and nowhere else. */
export function keyOf(area: KeyArea): string | undefined {
  return sessionStorage.getItem(slot(area)) ?? undefined;
}

export function keepKey(area: KeyArea, key: string): void {
  sessionStorage.setItem(slot(area), key);
}

export function forgetKey(area: KeyArea): void {
  sessionStorage.removeItem(slot(area));
}

/** Whether the page was asked for with the key of this area in its header, so that requests carry it already. */
export function isPresented(area: KeyArea): boolean {
  return document.querySelector(`meta[name="agentpay-presented"][content="${area}"]`) !== null;
}

let csrf: Promise<string> | undefined;

function csrfToken(): Promise<string> {
  csrf ??= createFamilyClient({ web }, { url: location.origin })
    .web.auth.csrf()
    .then(({ csrfToken: token }) => token);
  csrf.catch(() => (csrf = undefined));
  return csrf;
}

/** `fetch` that proves of each write by the session that it comes from this page. */
async function fetchOwn(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  const bySession = !KEY_HEADERS.some((name) => headers.has(name));
  if (bySession && init.method !== 'GET') headers.set('x-csrf-token', await csrfToken());
  return fetch(input, { ...init, headers });
}

/** How the holder of this area's credential calls the API. */
export function optionsOf(area: Area): ApiClientOptions {
  const options: ApiClientOptions = { url: location.origin, fetch: fetchOwn };
  if (area === 'session') return options;
  const key = keyOf(area);
  if (key === undefined) return { url: location.origin };
  switch (area) {
    case 'agent':
      return { ...options, apiKey: key };
    case 'operator':
      return { ...options, adminKey: key };
    default:
      return { ...options, keys: { [area]: key } };
  }
}

/** What the pages of the signed-in user call; the other families of the API are loaded with the screens that call them. */
export function ownApi(): FamilyClient<{ buyer: typeof buyer; web: typeof web }> {
  return createFamilyClient({ buyer, web }, optionsOf('session'));
}

/** What every area has: requests, and what is behind an object. */
export function webApi(area: Area): FamilyClient<{ web: typeof web }>['web'] {
  return createFamilyClient({ web }, optionsOf(area)).web;
}

/** Below which address the pages of an area are. */
export const areaBase = (area: Area): string => bases[area];

const bases: Readonly<Record<Area, string>> = {
  session: '/dashboard',
  agent: '/dashboard/runtime',
  gateway: '/dashboard/gateway',
  developer: '/dev/dashboard',
  operator: '/dashboard/operator',
};

/** A document that the holder of a developer's key may read. @throws Error when it does not come */
export async function developerDocument(path: string): Promise<Blob> {
  const key = keyOf('developer');
  const response = await fetch(path, key === undefined ? {} : { headers: { 'x-developer-key': key } });
  if (!response.ok) throw new Error(`The document did not come (status ${response.status}).`);
  return response.blob();
}

/** Most rows that a table loads; the rest is told by its number. */
const MOST_ROWS = 500;
const PAGE = 100;

/** What a list has, page by page. */
export async function everything<Row>(
  page: (query: { limit: number; offset: number }) => Promise<{ rows: readonly Row[]; total: number }>,
): Promise<{ rows: Row[]; total: number }> {
  const rows: Row[] = [];
  for (;;) {
    const { rows: more, total } = await page({ limit: PAGE, offset: rows.length });
    rows.push(...more);
    if (more.length === 0 || rows.length >= total || rows.length >= MOST_ROWS) return { rows, total };
  }
}
