import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { mpp, x402v1, x402v2 } from '@agentpay/protocol';
import { dialects, type SellerDialect } from '../dialects.js';

const OFFER_HEADERS: Readonly<Partial<Record<SellerDialect, string>>> = {
  x402v2: x402v2.PAYMENT_REQUIRED,
  mpp: mpp.WWW_AUTHENTICATE,
};
const PROOF_HEADERS: Readonly<Record<SellerDialect, string>> = {
  x402v2: x402v2.PAYMENT_SIGNATURE,
  x402v1: x402v1.X_PAYMENT,
  mpp: mpp.AUTHORIZATION,
};

/** Makes a seller of all dialects look like one that knows only some: its 402 offers no others and it does not see their proofs. */
export function speakOnly(spoken: readonly SellerDialect[], req: IncomingMessage, res: ServerResponse): void {
  const silent = dialects.filter((dialect) => !spoken.includes(dialect));
  if (silent.length === 0) return;
  for (const dialect of silent) hideProof(req, PROOF_HEADERS[dialect].toLowerCase());
  hideHeaders(
    res,
    silent.flatMap((dialect) => OFFER_HEADERS[dialect]?.toLowerCase() ?? []),
  );
  if (silent.includes('x402v1')) hideBodyOffer(res);
}

function hideProof(req: IncomingMessage, name: string): void {
  delete req.headers[name];
  delete req.headersDistinct[name];
}

function hideHeaders(res: ServerResponse, names: readonly string[]): void {
  const writeHead = res.writeHead.bind(res) as (
    status: number,
    headers?: OutgoingHttpHeaders,
  ) => ServerResponse;
  res.writeHead = ((status: number, headers: OutgoingHttpHeaders = {}) => {
    for (const name of names) res.removeHeader(name);
    const kept = Object.entries(headers).filter(([name]) => !names.includes(name.toLowerCase()));
    return writeHead(status, Object.fromEntries(kept));
  }) as typeof res.writeHead;
}

function hideBodyOffer(res: ServerResponse): void {
  hideHeaders(res, ['content-length']);
  const end = res.end.bind(res) as (...args: unknown[]) => ServerResponse;
  res.end = ((body: unknown, ...rest: unknown[]) => {
    if (res.statusCode !== 402 || typeof body !== 'string' || !body.startsWith('{'))
      return end(body, ...rest);
    const { x402Version: _, accepts: _accepts, ...others } = JSON.parse(body) as Record<string, unknown>;
    return end(JSON.stringify(others), ...rest);
  }) as typeof res.end;
}
