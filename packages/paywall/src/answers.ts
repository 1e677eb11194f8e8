import { STATUS_CODES } from 'node:http';
import { AgentPayError, errorKinds, isAgentPayError, unixSeconds } from '@agentpay/primitives';
import { mpp, x402v2 } from '@agentpay/protocol';
import type { Answer, Receipt } from './Claims.js';
import { clientLeft, requestIdOf, resourceUrl, type Exchange } from './Exchange.js';
import { addChallenge, appendToList, markPriced, markPrivate } from './headers.js';
import { pageHeaders, payPage } from './page/payPage.js';
import { wantsPage } from './page/wantsPage.js';
import { Refusal } from './Payment.js';
import { mppChallenge } from './rails/mpp.js';

const X_PAYMENT_REPLAYED = 'X-Payment-Replayed';
const NO_PROOF = { v1: 'X-PAYMENT header is required', v2: 'Payment required' };

/**
 * The 402: one answer that x402 v2 (header), x402 v1 (body), MPP (`WWW-Authenticate`) and payment tokens (body) can all be read from.
 * @throws AgentPayError `payload_too_large`, `request_timeout`
 */
export async function offer(exchange: Exchange, refusal?: Refusal): Promise<void> {
  const { quote } = exchange;
  const challenge = await mppChallenge(exchange);
  const requestId = requestIdOf(exchange);
  const url = resourceUrl(exchange);
  const problemCode = refusal?.problem ?? 'payment-required';
  const problem = {
    type: mpp.problemType(problemCode),
    title: mpp.problems[problemCode].title,
    status: 402,
    detail: refusal?.message ?? (quote.terms.description || 'This resource costs money.'),
    code: refusal?.reason ?? 'payment_required',
    challengeId: challenge.id,
    hint: errorKinds.payment_required.hint,
    request_id: requestId,
  };
  const body = `${JSON.stringify(problem).slice(0, -1)},${quote.bodyMembers(url, refusal?.reason ?? NO_PROOF.v1)}}`;
  const required = quote.paymentRequired(url, refusal?.reason ?? NO_PROOF.v2);
  const page = wantsPage(exchange.req) ? pageOf(exchange, required, refusal) : undefined;
  write(exchange, { status: 402, body: page ?? body, requestId }, (res) => {
    if (page !== undefined) markPage(res);
    res.setHeader(x402v2.PAYMENT_REQUIRED, required);
    for (const [name, value] of Object.entries(refusal?.headers ?? {})) res.setHeader(name, value);
    addChallenge(res, mpp.serializeChallenge(challenge));
  });
}

function pageOf({ settings }: Exchange, required: string, refusal: Refusal | undefined): string {
  const context = { nowSeconds: unixSeconds(settings.clock), ...(refusal && { detail: refusal.message }) };
  return payPage(x402v2.decodePaymentRequired(required), context);
}

function markPage(res: Exchange['res']): void {
  appendToList(res, 'Vary', ['Accept']);
  for (const [name, value] of Object.entries(pageHeaders)) res.setHeader(name, value);
}

/** Answers whatever went wrong before or instead of a paid answer. Never rejects. */
export async function answerError(exchange: Exchange, error: unknown): Promise<void> {
  if (clientLeft(exchange)) return;
  try {
    if (error instanceof Refusal) return await offer(exchange, error);
    refuse(exchange, toAgentPayError(exchange, error));
  } catch (cause) {
    // An offer needs the body, which may be too long or break off.
    if (clientLeft(exchange)) return;
    refuse(exchange, toAgentPayError(exchange, cause));
  }
}

function toAgentPayError(exchange: Exchange, error: unknown): AgentPayError {
  if (isAgentPayError(error)) return error;
  exchange.settings.report({ what: 'a request to a priced route failed', error, requestId: requestIdOf(exchange) });
  return new AgentPayError('internal_error', 'The request failed.', { cause: error });
}

function refuse(exchange: Exchange, error: AgentPayError): void {
  const requestId = requestIdOf(exchange);
  // A reason from the wire, such as a facilitator's code, is finer than the name of the kind.
  const code = error.kind === 'payment_already_used' ? (error.reason ?? error.kind) : error.kind;
  const problem = {
    type: error.kind === 'payment_malformed' ? mpp.problemType('malformed-credential') : 'about:blank',
    title: STATUS_CODES[error.status],
    status: error.status,
    detail: error.message,
    code,
    error: code,
    hint: error.hint,
    request_id: requestId,
  };
  write(exchange, { status: error.status, body: JSON.stringify(problem), requestId }, (res) => {
    if (error.retryAfter !== undefined) res.setHeader('Retry-After', String(error.retryAfter));
    // The handler may still be at work and touch a response that a next request on this connection would suffer from.
    if (error.kind === 'handler_timeout') res.setHeader('Connection', 'close');
  });
}

interface Written {
  readonly status: number;
  readonly body: string;
  readonly requestId: string;
}

function write(exchange: Exchange, answer: Written, prepare: (res: Exchange['res']) => void): void {
  const { res, gate } = exchange;
  const send = () => {
    markAnswer(exchange);
    res.statusCode = answer.status;
    res.setHeader('Cache-Control', 'no-store');
    res.setHeader('Content-Type', 'application/problem+json; charset=utf-8');
    res.setHeader('X-Request-Id', answer.requestId);
    prepare(res);
    res.end(answer.body);
  };
  if (gate) gate.replace(send);
  else send();
}

/** Sends a stored answer again. */
export function replay(exchange: Exchange, answer: Answer, receipt: Receipt): void {
  const { res } = exchange;
  res.statusCode = answer.status;
  for (const [name, value] of Object.entries(answer.headers)) res.setHeader(name, value as string | string[]);
  res.setHeader(X_PAYMENT_REPLAYED, 'true');
  markPaid(exchange, receipt);
  res.end(answer.body);
}

/** Sets the headers of a paid answer. */
export function markPaid(exchange: Exchange, receipt: Receipt): void {
  markAnswer(exchange);
  markPrivate(exchange.res);
  for (const [name, value] of Object.entries(receipt)) exchange.res.setHeader(name, value);
}

/** Sets the headers of an answer that was not charged. */
export function markUnpaid(exchange: Exchange): void {
  markAnswer(exchange);
  // Shared caches know that answers to Authorization are private, but not those to this header.
  if (exchange.settings.authorizationHeader === mpp.PAYMENT_AUTHORIZATION) markPrivate(exchange.res);
}

function markAnswer({ res, req, settings }: Exchange): void {
  markPriced(res, { authorizationHeader: settings.authorizationHeader, cors: req.headers.origin !== undefined });
}
