import { AgentPayError } from '@agentpay/primitives';

/** Headers of a message that is passed on; names in lower case. */
export type PassedHeaders = Readonly<Record<string, string | readonly string[]>>;

/** Headers between two neighbours, which go no further (RFC 9110 section 7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** The headers that go on to the other end: without those between neighbours, those that `Connection` names, and those to be dropped. */
export function endToEnd(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  isDropped: (name: string) => boolean = () => false,
): Record<string, string | readonly string[]> {
  const { connection } = headers;
  const named = connection === undefined ? [] : namesIn(String(connection));
  const entries = Object.entries(headers).filter(
    ([name, value]) =>
      value !== undefined && !HOP_BY_HOP.has(name) && !named.includes(name) && !isDropped(name),
  );
  return Object.fromEntries(entries) as Record<string, string | readonly string[]>;
}

function namesIn(connection: string): string[] {
  return connection
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
}

/** The address that the rest of a path leads to below another: never outside of it. @throws AgentPayError `invalid_request` */
export function addressBelow(baseUrl: string, rest: string): string {
  const url = new URL(baseUrl);
  const [, path = '', query = ''] = /^([^?]*)\??(.*)$/s.exec(rest) ?? [];
  const base = url.pathname.replace(/\/$/, '');
  if (path !== '') url.pathname = base + path;
  if (url.pathname !== base && !url.pathname.startsWith(`${base}/`))
    throw new AgentPayError('invalid_request', 'The path leads out of the service.', { param: 'path' });
  if (query !== '') url.search = url.search === '' ? query : `${url.search.slice(1)}&${query}`;
  return url.href;
}
