import { hash } from 'node:crypto';
import { jcs } from '@agentpay/protocol';
import { type PricedContext } from './RequestContext.js';
import { CALLER_HEADERS } from '../seller/callerHeaders.js';
import type { FoundProof } from './proof.js';
import type { RequestBody } from './RequestBody.js';
import { targetOf, type Request } from './Request.js';

/**
 * One payment buys one request by one caller: the proof is public once it is settled on chain, so that the same proof with another
 * body, at another host or with other credentials must get nothing.
 */
export function bindingOf({ req }: PricedContext, proof: FoundProof, body: RequestBody): string {
  const credentials = CALLER_HEADERS.map((name) => req.headers[name]);
  return digestOf([req.method, hostOf(req), targetOf(req), ...credentials, bodyText(body), proof.text]);
}

/** Who brings a proof, as far as the address and the headers that the seller names tell; the same for the same client. */
export function bearerOf({ req, config: { repeats } }: PricedContext): string {
  const address = req.ip ?? req.socket?.remoteAddress;
  return digestOf([address, ...(repeats?.headers ?? []).map((name) => req.headers[name])]);
}

/** Without its port, which replicas may have of their own. */
function hostOf({ headers }: Request): string {
  return String(headers[':authority'] ?? headers.host ?? '')
    .toLowerCase()
    .replace(/:\d*$/, '');
}

function bodyText(body: RequestBody): string {
  if (body.kind === 'raw') return hash('sha256', body.bytes, 'base64url');
  return body.kind === 'parsed' ? canonical(body.value) : body.kind;
}

/** Parsers let through what has no canonical form, such as numbers beyond the range of a double. */
function canonical(value: unknown): string {
  try {
    return jcs(value ?? null);
  } catch {
    return (
      JSON.stringify(value, (_, member: unknown) => (typeof member === 'bigint' ? String(member) : member)) ??
      ''
    );
  }
}

function digestOf(parts: readonly unknown[]): string {
  return hash('sha256', JSON.stringify(parts), 'base64url');
}
