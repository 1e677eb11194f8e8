import { AgentPayError, OutboundError } from '@agentpay/primitives';
import type { IncomingResponse } from '@agentpay/primitives';
import type { PaymentDemand } from '@agentpay/protocol';
import type { Core } from '../Core.js';
import { bodyOf } from './BuyRequest.js';
import type { SellerRequest } from './BuyRequest.js';

/** What a seller answered. */
export interface SellerResponse {
  readonly status: number;
  readonly contentType: string | null;
  readonly body: Uint8Array;
  /** Whether it is the beginning of a longer one. */
  readonly truncated: boolean;
}

/** Longest that is waited for the 402. */
const ASK_MS = 8_000;
/** Longest 402 that is read; what is beyond it is cut off. */
const MOST_DEMAND = 256 * 1024;
/** Longest answer to a payment that is given on; what is beyond it is cut off. */
export const MOST_RESPONSE = 1024 * 1024;
const MOST_REDIRECTS = 3;

/** What a seller asks for, from the very host that was asked. */
export interface SellerDemand {
  readonly demand: PaymentDemand;
  readonly url: string;
}

/**
 * Asks the seller without paying. What comes back is its demand, or what it gives to anybody.
 * @throws AgentPayError `invalid_request` for an address that is not to be called, `seller_not_402`, `offer_not_acceptable`
 */
export async function askSeller(
  core: Core,
  request: SellerRequest,
  until: number,
): Promise<SellerDemand | { readonly unasked: SellerResponse }> {
  const reads = request.method === 'GET' || request.method === 'HEAD';
  const response = await send(core, request, {
    timeoutMs: Math.max(1, Math.min(ASK_MS, until - core.clock.now())),
    maxBytes: MOST_DEMAND,
    longer: 'cut',
    maxRedirects: reads ? MOST_REDIRECTS : 0,
  }).catch((error: unknown) => {
    throw asRefusal(error);
  });
  if (response.status !== 402) return { unasked: shown(response, MOST_DEMAND) };
  if (!isSameSeller(request.url, response.url))
    throw new AgentPayError('offer_not_acceptable', `${new URL(response.url).host} asks for money unasked.`, {
      reason: 'redirected_elsewhere',
    });
  return { demand: demandOf(request, response), url: response.url };
}

/** A response as callers are given it. */
export function shown({ status, headers, body }: IncomingResponse, mostBytes: number): SellerResponse {
  const contentType = headers['content-type']?.slice(0, 255) ?? null;
  return { status, contentType, body, truncated: body.length >= mostBytes };
}

/** Sends the request with the proof to where the 402 came from; nothing is followed. @throws OutboundError */
export function sendProof(
  core: Core,
  request: SellerRequest,
  { url, header, value, timeoutMs }: { url: string; header: string; value: string; timeoutMs: number },
): Promise<IncomingResponse> {
  const headers = { ...request.headers, [header.toLowerCase()]: value };
  const limits = { timeoutMs, maxBytes: MOST_RESPONSE, longer: 'cut', maxRedirects: 0 } as const;
  return send(core, { ...request, url, headers }, limits);
}

function send(
  core: Core,
  request: SellerRequest,
  limits: Parameters<Core['ports']['sellers']['fetchOut']>[1],
): Promise<IncomingResponse> {
  const { method, url, headers } = request;
  const body = bodyOf(request);
  return core.ports.sellers.fetchOut(url, { method, headers, ...(body && { body }), ...limits });
}

/** Who asks for money must be whom the agent called: a redirect may add TLS and change the path, and nothing else. */
function isSameSeller(asked: string, answered: string): boolean {
  const [a, b] = [new URL(asked), new URL(answered)];
  if (a.origin === b.origin) return true;
  return a.hostname === b.hostname && a.protocol === 'http:' && b.protocol === 'https:' && b.port === '';
}

function demandOf(request: SellerRequest, response: IncomingResponse): PaymentDemand {
  return {
    url: response.url,
    hasAuthorization: 'authorization' in request.headers,
    requestBody: bodyOf(request),
    header: headerIn(response),
    body: jsonIn(response.body),
  };
}

export function headerIn({ headers }: Pick<IncomingResponse, 'headers'>): PaymentDemand['header'] {
  return (name) => headers[name.toLowerCase()] ?? null;
}

function jsonIn(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body)) as unknown;
  } catch {
    return undefined;
  }
}

function asRefusal(error: unknown): unknown {
  if (!(error instanceof OutboundError)) return error;
  const { fault, message } = error;
  const ours = fault === 'url_refused' || fault === 'address_refused';
  return new AgentPayError(ours ? 'invalid_request' : 'seller_not_402', message, {
    reason: fault,
    ...(ours && { param: 'url' }),
    cause: error,
  });
}
