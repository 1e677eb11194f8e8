import type { IncomingHttpHeaders } from 'node:http';
import { credentials } from '@agentpay/api';
import { endToEnd, type PassedHeaders } from '@agentpay/http';

/** What opens something on the platform is not for sellers to see. */
const OURS = [
  ...new Set(Object.values(credentials).flatMap((row) => ['csrf' in row ? row.csrf : '', row.header])),
];
const NOT_SENT = new Set([...OURS, 'host', 'expect', 'forwarded']);

/** What a seller could do on the origin of the platform by its responses. */
const NOT_GIVEN = new Set([
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
export function sentOn(headers: IncomingHttpHeaders): PassedHeaders {
  return endToEnd(headers, (name) => NOT_SENT.has(name) || /^(x-forwarded|agentpay)-/.test(name));
}

/** The headers of a seller's response as the buyer gets them. */
export function givenOn(headers: PassedHeaders): PassedHeaders {
  return endToEnd(
    headers,
    (name) => NOT_GIVEN.has(name) || NOT_GIVEN_PREFIXES.some((each) => name.startsWith(each)),
  );
}
