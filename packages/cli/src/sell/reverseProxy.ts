import type { IncomingMessage, ServerResponse } from 'node:http';
import { addressBelow, endToEnd, isGivenUp, type IncomingStream, type Outbound } from '@agentpay/http';
import { isAgentPayError } from '@agentpay/primitives';
import { mpp, x402v1, x402v2 } from '@agentpay/protocol';
import { problem } from './problem.js';

export interface ProxyOptions {
  readonly upstream: string;
  /** Sent with every request, in place of what the caller sends under the same names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly streamOut: Outbound['streamOut'];
  readonly timeoutMs: number;
  readonly onFault: (what: string) => void;
}

/** Proofs of payment are for the seller's paywall, and nobody else's business. */
const PROOFS = new Set(
  [x402v2.PAYMENT_SIGNATURE, x402v1.X_PAYMENT, mpp.PAYMENT_AUTHORIZATION, mpp.ACCEPT_PAYMENT].map((name) =>
    name.toLowerCase(),
  ),
);
const NOT_SENT = new Set([
  'host',
  'expect',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
]);

/** Passes requests on to an HTTP API, and its responses back, as they come and no faster than they are read. */
export function reverseProxy(options: ProxyOptions) {
  return async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const upstream = await ask(options, req, res).catch((error: unknown) => {
      if (isGivenUp(error)) return undefined;
      refuse(options, res, error);
      return undefined;
    });
    if (upstream) await passOn(options, upstream, res);
  };
}

function ask(
  { upstream, headers, streamOut, timeoutMs }: ProxyOptions,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<IncomingStream> {
  const hasBody =
    req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
  const forwarded = {
    'x-forwarded-for': req.socket.remoteAddress ?? '',
    'x-forwarded-host': req.headers.host ?? '',
    'x-forwarded-proto': 'http',
  };
  return (async () =>
    streamOut(addressBelow(upstream, pathOf(req.url ?? '/')), {
      method: req.method ?? 'GET',
      headers: { ...sentOn(req), ...forwarded, ...headers },
      body: hasBody ? req : undefined,
      timeoutMs,
      // Also after a response of the paywall's own, such as 504: nobody waits for the API any more.
      receiver: res,
    }))();
}

/** A request may name the whole URL; its host is not ours to believe. */
function pathOf(target: string): string {
  return target.replace(/^https?:\/\/[^/?#]*/i, '') || '/';
}

function sentOn({ headers }: IncomingMessage): ReturnType<typeof endToEnd> {
  const { authorization } = headers;
  const isProof = authorization !== undefined && mpp.hasCredential(authorization);
  return endToEnd(
    headers,
    (name) => NOT_SENT.has(name) || PROOFS.has(name) || (name === 'authorization' && isProof),
  );
}

async function passOn(
  { onFault, upstream: base }: ProxyOptions,
  upstream: IncomingStream,
  res: ServerResponse,
): Promise<void> {
  res.statusCode = upstream.status;
  for (const [name, value] of Object.entries(endToEnd(upstream.headers)))
    res.setHeader(name, value as string | string[]);
  try {
    await upstream.pass();
    res.end();
  } catch (error) {
    // Half of a response is none: the caller sees that it broke off, and what waits for its end is not charged.
    res.destroy();
    if (!isGivenUp(error)) onFault(`${base} broke off its response: ${(error as Error).message}`);
  }
}

function refuse({ onFault, upstream }: ProxyOptions, res: ServerResponse, error: unknown): void {
  if (isAgentPayError(error, 'invalid_request')) return problem(res, 400, 'invalid_request', error.message);
  const isOut = (error as Error).name === 'OutboundError';
  onFault(`${upstream} gave no response: ${(error as Error).message}`);
  const isLate = isOut && (error as { fault?: unknown }).fault === 'timeout';
  problem(res, isLate ? 504 : 502, 'upstream_unavailable', 'What is sold here gave no response.');
}
