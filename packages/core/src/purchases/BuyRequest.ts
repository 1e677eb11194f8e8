import { createHash } from 'node:crypto';
import { AgentPayError, textBounds } from '@agentpay/primitives';
import { mpp, x402v1, x402v2, X_PAYMENT_TOKEN } from '@agentpay/protocol';
import type { Core } from '../Core.js';

/** A request to a seller, as it is sent. */
export interface SellerRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** base64; absent: none. */
  readonly body?: string;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
const MOST_HEADERS = 64;
const MOST_HEADER_BYTES = 8 * 1024;
const MOST_BODY_BYTES = 256 * 1024;

/** Headers by which a payment is made: those are ours to write. */
const PAYING = [x402v2.PAYMENT_SIGNATURE, x402v1.X_PAYMENT, mpp.PAYMENT_AUTHORIZATION, X_PAYMENT_TOKEN].map(
  (name) => name.toLowerCase(),
);

/**
 * What is to be asked of the seller.
 * @throws AgentPayError `invalid_request`
 */
export function sellerRequest(given: {
  readonly url: string;
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | Uint8Array | undefined;
}): SellerRequest {
  const { url, headers = {}, body = '' } = given;
  const method = (given.method ?? 'GET').toUpperCase();
  if (!METHODS.includes(method)) throw invalid('method', `must be one of ${METHODS.join(', ')}`);
  if (url.length > textBounds.url || !URL.canParse(url) || !/^https?:/i.test(url))
    throw invalid('url', 'must be an absolute http or https URL');
  const bytes = Buffer.from(body as string);
  if (bytes.length > MOST_BODY_BYTES) throw invalid('body', `has more than ${MOST_BODY_BYTES} bytes`);
  if (bytes.length > 0 && (method === 'GET' || method === 'HEAD'))
    throw invalid('body', `cannot go with ${method}`);
  return {
    method,
    // As it is written: the guard refuses hosts that are written so as to hide where they lead.
    url,
    headers: checkedHeaders(headers),
    ...(bytes.length > 0 && { body: bytes.toString('base64') }),
  };
}

function checkedHeaders(given: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(given).map(([name, value]) => [name.toLowerCase(), value] as const);
  const size = entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (entries.length > MOST_HEADERS || size > MOST_HEADER_BYTES) throw invalid('headers', 'are too many');
  for (const [name, value] of entries) {
    if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      throw invalid('headers', 'have a name or value that no request can carry');
    if (PAYING.includes(name) || (name === 'authorization' && mpp.hasCredential(value)))
      throw invalid('headers', `have ${name}, which pays; the platform pays itself`);
  }
  return Object.fromEntries(entries);
}

/** Of everything that is asked for. */
export function digestOf(request: object): string {
  return createHash('sha256').update(JSON.stringify(request)).digest('hex');
}

export function bodyOf({ body }: SellerRequest): Uint8Array | undefined {
  return body === undefined ? undefined : new Uint8Array(Buffer.from(body, 'base64'));
}

/** The request as it is kept: its headers and body may open something at the seller. */
export function sealRequest(core: Core, id: string, request: object): string {
  return core.ports.vault.seal(JSON.stringify(request), `${id} request`);
}

export function openRequest<Request>(core: Core, id: string, sealed: string): Request {
  return JSON.parse(core.ports.vault.open(sealed, `${id} request`)) as Request;
}

function invalid(param: string, why: string): AgentPayError {
  return new AgentPayError('invalid_request', `${param} ${why}.`, { param });
}
