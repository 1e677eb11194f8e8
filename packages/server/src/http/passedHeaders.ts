import type { IncomingHttpHeaders } from 'node:http';
import { credentials } from '@agentpay/api';

type Passed = Record<string, string | readonly string[]>;

/** Headers between two neighbours, which go no further (RFC 9110 section 7.6.1). */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** What opens something on the platform is not for sellers to see. */
const OURS = [
  ...new Set(Object.values(credentials).flatMap((row) => ['csrf' in row ? row.csrf : '', row.header])),
];
const NOT_SENT = new Set([...HOP_BY_HOP, ...OURS, 'host', 'expect', 'forwarded']);

/** What a seller could do on the origin of the platform by its responses. */
const NOT_GIVEN = new Set([
  ...HOP_BY_HOP,
  'set-cookie',
  'clear-site-data',
  'service-worker-allowed',
  'strict-transport-security',
  'content-security-policy',
  'content-security-policy-report-only',
  'alt-svc',
  'www-authenticate',
]);
const NOT_GIVEN_PREFIXES = ['access-control-', 'cross-origin-', 'x-ratelimit-'];

/** The headers of a request as the seller gets them. */
export function sentOn(headers: IncomingHttpHeaders): Passed {
  return kept(headers, (name) => NOT_SENT.has(name) || /^(x-forwarded|agentpay)-/.test(name));
}

/** The headers of a seller's response as the buyer gets them. */
export function givenOn(headers: Passed): Passed {
  return kept(
    headers,
    (name) => NOT_GIVEN.has(name) || NOT_GIVEN_PREFIXES.some((each) => name.startsWith(each)),
  );
}

function kept(headers: IncomingHttpHeaders | Passed, isDropped: (name: string) => boolean): Passed {
  const { connection } = headers;
  const named = String(connection ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
  const entries = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined || named.includes(name) || isDropped(name) ? [] : [[name, value] as const],
  );
  return Object.fromEntries(entries);
}
