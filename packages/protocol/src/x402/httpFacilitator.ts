import { AgentPayError } from '@agentpay/primitives';
import { httpClient, type HttpReply, type HttpClient, type HttpRequest } from '../encoding/httpClient.js';
import { readLimited } from '../encoding/readLimited.js';
import { untilAborted } from '../encoding/untilAborted.js';
import { wasNotSent } from '../encoding/wasNotSent.js';
import { toBase64 } from '../encoding/Json.js';
import type { Facilitator, FacilitatorRequest } from './Facilitator.js';
import { readStatus, statusRequest, type SettlementStatus } from './settlementStatus.js';
import {
  OtherPayment,
  readSettleResponse,
  readSupportedResponse,
  readVerifyResponse,
} from './facilitatorResponses.js';

export interface HttpFacilitatorOptions {
  /** Base URL; `/verify`, `/settle` and `/supported` are appended. */
  readonly url: string;
  /** In place of this module's own way over HTTP, which costs a fraction of `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Sent with every request, for facilitators that want a key. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds until a response to `/verify` and `/supported` is given up. */
  readonly verifyTimeoutMs?: number;
  /** Milliseconds until a response to `/settle` is given up; longer than the facilitator's own wait for a receipt. */
  readonly settleTimeoutMs?: number;
}

/** A definite word is not lost over a long text beside it. */
const MAX_RESPONSE_BYTES = 1024 * 1024;

/** A facilitator reached over HTTP. Answers are checked against the request: shape, network, payer, transaction. */
export function httpFacilitator(options: HttpFacilitatorOptions): Facilitator {
  const base = options.url.replace(/\/+$/, '');
  const urls = {
    verify: new URL(`${base}/verify`),
    settle: new URL(`${base}/settle`),
    supported: new URL(`${base}/supported`),
  };
  const exchange = options.fetch ? byFetch(options.fetch) : followed(httpClient());
  const verifyTimeoutMs = options.verifyTimeoutMs ?? 10_000;
  const settleTimeoutMs = options.settleTimeoutMs ?? 45_000;

  async function call<T>(
    url: URL,
    read: (body: unknown) => T | undefined,
    timeoutMs: number,
    body?: FacilitatorRequest,
  ): Promise<T> {
    const { status, text } = await exchange(url, {
      method: body ? 'POST' : 'GET',
      headers: {
        accept: 'application/json',
        ...(body && { 'content-type': 'application/json' }),
        ...options.headers,
      },
      body: body && JSON.stringify(body),
      timeoutMs,
      maxBytes: MAX_RESPONSE_BYTES,
    });
    const found = read(parseJson(text));
    if (found !== undefined) return found;
    throw new UnexpectedResponse(url, status, text);
  }

  return {
    async verify(request) {
      try {
        return await call(urls.verify, (body) => readVerifyResponse(body, request), verifyTimeoutMs, request);
      } catch (cause) {
        throw unavailable(cause);
      }
    },
    async settle(request) {
      try {
        return await call(urls.settle, (body) => readSettleResponse(body, request), settleTimeoutMs, request);
      } catch (cause) {
        if (cause instanceof OtherPayment) throw mismatch(cause);
        throw wasNotTaken(cause) ? unavailable(cause) : unknown(cause);
      }
    },
    settlement: (request) =>
      askStatus(exchange, { base, headers: options.headers, timeoutMs: verifyTimeoutMs }, request),
    async supported() {
      try {
        return await call(urls.supported, readSupportedResponse, verifyTimeoutMs);
      } catch (cause) {
        throw unavailable(cause);
      }
    },
  };
}

/** `GET /settlements/by-payment/{hash}` of a facilitator of AgentPay, with the payment itself as proof. */
async function askStatus(
  exchange: Exchange,
  at: {
    readonly base: string;
    readonly headers: HttpFacilitatorOptions['headers'] | undefined;
    readonly timeoutMs: number;
  },
  { paymentPayload }: FacilitatorRequest,
): Promise<SettlementStatus | undefined> {
  // What was bought is of no interest, and may be longer than a header.
  const { url, headers } = statusRequest(at.base, toBase64({ ...paymentPayload, extensions: undefined }));
  const sent = { method: 'GET', headers: { ...headers, ...at.headers }, body: undefined } as const;
  const limits = { timeoutMs: at.timeoutMs, maxBytes: MAX_RESPONSE_BYTES };
  const { status, text } = await exchange(new URL(url), { ...sent, ...limits }).catch((cause: unknown) => {
    throw unavailable(cause);
  });
  return readStatus(status, text);
}

type Exchange = (
  url: URL,
  request: HttpRequest,
  moves?: number,
) => Promise<Pick<HttpReply, 'status' | 'text'>>;

const MOST_MOVES = 3;

/** Goes where a facilitator says that it has moved (307, 308), with the same request, but never from TLS to none. */
function followed(client: HttpClient): Exchange {
  return async function exchange(url, request, moves = 0): ReturnType<Exchange> {
    const answer = await client(url, request);
    const { location } = answer.headers;
    if (![307, 308].includes(answer.status) || location === undefined || moves >= MOST_MOVES) return answer;
    const next = new URL(location, url);
    if (next.protocol !== 'https:' && next.protocol !== url.protocol) return answer;
    return exchange(
      next,
      next.host === url.host ? request : { ...request, headers: withoutKeys(request.headers) },
      moves + 1,
    );
  };
}

/** What may be told to another host than the one that was configured. */
function withoutKeys(headers: HttpRequest['headers']): HttpRequest['headers'] {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => ['accept', 'content-type'].includes(name)),
  );
}

function byFetch(fetch: typeof globalThis.fetch): Exchange {
  return async (url, { method, headers, body, timeoutMs, maxBytes }) => {
    const sent = { method, headers, ...(body !== undefined && { body }) };
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await untilAborted(fetch(url.href, { ...sent, signal }), signal);
    const bytes = await readLimited(response.body, maxBytes, signal);
    return { status: response.status, text: bytes?.toString('utf8') ?? '' };
  };
}

class UnexpectedResponse extends Error {
  override readonly name = 'UnexpectedResponse';
  constructor(
    url: URL,
    readonly status: number,
    readonly text: string,
  ) {
    super(`${url.origin}${url.pathname} answered ${status} with something else than the protocol's JSON.`);
  }
}

function wasNotTaken(cause: unknown): boolean {
  if (cause instanceof UnexpectedResponse)
    return isRefusal(cause.status) || cause.text.includes('"facilitator_overloaded"');
  return wasNotSent(cause);
}

// 408 and 409 may come while an earlier copy of the request is at work.
function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 409;
}

function unavailable(cause: unknown): AgentPayError {
  return new AgentPayError('facilitator_unavailable', 'The facilitator gives no usable response.', {
    cause,
    retryAfter: 2,
  });
}

function mismatch(cause: OtherPayment): AgentPayError {
  return new AgentPayError('settlement_unknown', 'The facilitator answered for another payment.', {
    cause,
    reason: 'response_mismatch',
  });
}

function unknown(cause: unknown): AgentPayError {
  const message = 'The facilitator gave no response to a settlement it may have made.';
  return new AgentPayError('settlement_unknown', message, { cause, retryAfter: 2 });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
}
