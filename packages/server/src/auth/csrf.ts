import { createHmac, timingSafeEqual } from 'node:crypto';
import { AgentPayError } from '@agentpay/primitives';
import type { Request } from 'express';

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The CSRF token of a session: whoever can read it holds the session's secret or was shown it by us. */
export function csrfTokenOf(sessionSecret: string): string {
  return createHmac('sha256', sessionSecret).update('agentpay csrf v1').digest('hex');
}

/**
 * Refuses a write by cookie without its token: a page of another origin can make the browser send the cookie, but cannot know this. A
 * program sends neither `Origin` nor `Sec-Fetch-Site`, which every browser adds to a write; nobody can make it send a cookie.
 * @throws AgentPayError `forbidden` with the reason `csrf_token_missing` or `csrf_token_wrong`
 */
export function assertCsrf(header: string | undefined, sessionSecret: string, request: Request): void {
  if (header === undefined || READS.has(request.method)) return;
  const given = request.get(header);
  if (given === undefined) {
    if (!isBrowser(request)) return;
    throw new AgentPayError('forbidden', `This write needs the header ${header}.`, {
      reason: 'csrf_token_missing',
    });
  }
  const [a, b] = [Buffer.from(given), Buffer.from(csrfTokenOf(sessionSecret))];
  if (a.length !== b.length || !timingSafeEqual(a, b)) {
    throw new AgentPayError('forbidden', `The header ${header} does not belong to this session.`, {
      reason: 'csrf_token_wrong',
    });
  }
}

function isBrowser(request: Request): boolean {
  return request.get('origin') !== undefined || request.get('sec-fetch-site') !== undefined;
}
