import { AgentPayError } from '@agentpay/primitives';
import type { z } from 'zod';
import { httpClient, type HttpAnswer, type HttpClient, type HttpRequest } from '../encoding/httpClient.js';
import { readLimited } from '../encoding/readLimited.js';
import { untilAborted } from '../encoding/untilAborted.js';
import { wasNotSent } from '../encoding/wasNotSent.js';
import { sameHex } from '../evm/Hex.js';
import {
  supportedResponseSchema,
  verifyResponseSchema,
  type Facilitator,
  type FacilitatorRequest,
  type VerifyResponse,
} from './Facilitator.js';
import { settleResponseSchema, type SettleResponse } from './v2.js';

export interface HttpFacilitatorOptions {
  /** Base URL; `/verify`, `/settle` and `/supported` are appended. */
  readonly url: string;
  /** In place of this module's own way over HTTP, which costs a fraction of `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Sent with every request, for facilitators that want a key. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds until an answer to `/verify` and `/supported` is given up. */
  readonly verifyTimeoutMs?: number;
  /** Milliseconds until an answer to `/settle` is given up; longer than the facilitator's own wait for a receipt. */
  readonly settleTimeoutMs?: number;
}

const MAX_ANSWER_BYTES = 64 * 1024;

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
    schema: z.ZodType<T>,
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
      maxBytes: MAX_ANSWER_BYTES,
    });
    const parsed = schema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    throw new AnswerError(status, text);
  }

  return {
    async verify(request) {
      try {
        return checkVerified(
          request,
          await call(urls.verify, verifyResponseSchema, verifyTimeoutMs, request),
        );
      } catch (cause) {
        throw unavailable(cause);
      }
    },
    async settle(request) {
      try {
        return checkSettled(request, await call(urls.settle, settleResponseSchema, settleTimeoutMs, request));
      } catch (cause) {
        throw wasNotTaken(cause) ? unavailable(cause) : unknown(cause);
      }
    },
    async supported() {
      try {
        return await call(urls.supported, supportedResponseSchema, verifyTimeoutMs);
      } catch (cause) {
        throw unavailable(cause);
      }
    },
  };
}

type Exchange = (
  url: URL,
  request: HttpRequest,
  moves?: number,
) => Promise<Pick<HttpAnswer, 'status' | 'text'>>;

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

class AnswerError extends Error {
  override readonly name = 'AnswerError';
  constructor(
    readonly status: number,
    readonly text: string,
  ) {
    super(`The facilitator answered ${status} with something else than the protocol's JSON.`);
  }
}

// A yes must be about this payment: a mixed-up or forged answer is not taken for one.
function checkVerified(request: FacilitatorRequest, answer: VerifyResponse): VerifyResponse {
  if (answer.isValid && isOtherPayer(request, answer.payer))
    throw new Error('The facilitator answered for another payment.');
  return answer;
}

function checkSettled(request: FacilitatorRequest, answer: SettleResponse): SettleResponse {
  if (!answer.success) return answer;
  const valid =
    answer.network === request.paymentRequirements.network &&
    !isOtherPayer(request, answer.payer) &&
    /^0x[0-9a-fA-F]{64}$/.test(answer.transaction);
  if (!valid)
    throw new AgentPayError('settlement_unknown', 'The facilitator answered for another payment.', {
      reason: 'answer_mismatch',
    });
  return answer;
}

function isOtherPayer(request: FacilitatorRequest, payer: string | undefined): boolean {
  const { authorization, permit2Authorization } = request.paymentPayload.payload;
  const from = ((authorization ?? permit2Authorization) as { from?: unknown } | undefined)?.from;
  return payer !== undefined && typeof from === 'string' && !sameHex(payer, from);
}

function wasNotTaken(cause: unknown): boolean {
  if (cause instanceof AnswerError)
    return isRefusal(cause.status) || cause.text.includes('"facilitator_overloaded"');
  return wasNotSent(cause);
}

// 408 and 409 may come while an earlier copy of the request is at work.
function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 409;
}

function unavailable(cause: unknown): AgentPayError {
  return new AgentPayError('facilitator_unavailable', 'The facilitator gives no usable answer.', {
    cause,
    retryAfter: 2,
  });
}

function unknown(cause: unknown): AgentPayError {
  if (cause instanceof AgentPayError) return cause;
  const message = 'The facilitator gave no answer to a settlement it may have made.';
  return new AgentPayError('settlement_unknown', message, { cause, retryAfter: 2 });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
