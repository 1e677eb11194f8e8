import { hash } from 'node:crypto';
import { mpp } from '@agentpay/protocol';
import type { RequestContext } from '../paid/RequestContext.js';

/** The headers that a worked out price depends on, as one short text: offers to one buyer are no offers to another. */
export function variantOf({
  req,
  pricing,
  config,
}: Pick<RequestContext, 'req' | 'pricing' | 'config'>): string {
  const values = pricing.terms.vary.map((name) => {
    const lines = req.headersDistinct[name] ?? [];
    return name === AUTHORIZATION ? credentialsIn(lines, config.headers.paymentScheme) : lines;
  });
  return hash('sha256', JSON.stringify(values), 'base64url');
}

const AUTHORIZATION = mpp.AUTHORIZATION.toLowerCase();

/** Credentials but the payment, which comes only with the second request. */
function credentialsIn(lines: readonly string[], paymentScheme: RegExp): readonly string[] {
  return lines
    .flatMap((line) => line.split(/,(?=\s*[\w!#$%&'*+.^`|~-]+\s)/))
    .map((credential) => credential.trim())
    .filter((credential) => credential !== '' && !paymentScheme.test(credential));
}
