import { STATUS_CODES, type OutgoingHttpHeaders } from 'node:http';
import { AgentPayError, isAgentPayError, unixSeconds, type ErrorName } from '@agentpay/primitives';
import { asciiJson, mpp, x402v2 } from '@agentpay/protocol';
import type { HeldResponse, Receipt } from '../paid/Claims.js';
import { viewOf } from '../paid/asked.js';
import { clientLeft, requestIdOf, type PricedContext, type RequestContext } from '../paid/RequestContext.js';
import { watchBudget } from '../offer/headerBudget.js';
import { challengesBeside, markPrivate, pricedHeaders, type OfferKind } from './headers.js';
import { offeringFor, type Offering } from '../offer/offering.js';
import { pageHeaders, payPage } from '../offer/page/payPage.js';
import { wantsPage } from '../offer/page/wantsPage.js';
import { reasonOf, Refusal } from '../paid/Payment.js';
import type { PaymentRail } from '../rails/PaymentRail.js';
import type { RequestBody } from '../paid/RequestBody.js';
import { tellRefused } from '../paid/tell.js';
import { setHeaders } from './setHeaders.js';

const X_PAYMENT_REPLAYED = 'X-Payment-Replayed';

/** The 402 for one request, and for one whose proof was refused. */
export interface Offered {
  readonly rails: readonly PaymentRail[];
  readonly body: RequestBody;
  readonly refusal?: Refusal;
}

/** The 402: one response from which every dialect can be read. Browsers get a page in place of the body. */
export function offer(context: PricedContext, { rails, body, refusal }: Offered): void {
  const offering = offeringFor(context, rails, body, refusal);
  const { requestId } = offering;
  const page = wantsPage(context.req) ? pageOf(context, offering, refusal) : undefined;
  const headers: OutgoingHttpHeaders = {};
  if (page !== undefined) Object.assign(headers, pageHeaders);
  if (refusal) Object.assign(headers, refusal.headers);
  watchBudget(context, offering);
  write(context, {
    status: refusal?.status ?? 402,
    body: page ?? offering.body,
    requestId,
    headers,
    offered: offering.headers,
    kind: { negotiated: offering.isChosen, page: page !== undefined },
  });
}

/** Wallets in browsers pay what x402 v2 offers. */
function pageOf(
  { config }: RequestContext,
  { headers }: Offering,
  refusal: Refusal | undefined,
): Buffer | undefined {
  const required = headers[x402v2.PAYMENT_REQUIRED];
  if (typeof required !== 'string') return undefined;
  const context = { nowSeconds: unixSeconds(config.clock), ...(refusal && { detail: refusal.message }) };
  return Buffer.from(payPage(x402v2.decodePaymentRequired(required), context));
}

/** Responds to whatever went wrong before or instead of a paid response. Never rejects. */
export async function respondToError(
  context: RequestContext,
  rails: readonly PaymentRail[],
  error: unknown,
): Promise<void> {
  if (clientLeft(context)) return;
  if (!context.gate && context.res.headersSent) return breakOff(context, error);
  try {
    tellRefused(context, reasonOf(error));
    if (error instanceof Refusal) return await offerAnew(context, rails, error);
    refuse(context, toAgentPayError(context, error));
  } catch (cause) {
    // An offer needs the body, which may break off.
    if (clientLeft(context)) return;
    refuse(context, toAgentPayError(context, cause));
  }
}

/** A paid response broke off on its way: the connection is cut, so that it does not look complete. */
function breakOff({ config, res }: RequestContext, error: unknown): void {
  config.report({ what: 'a response broke off', error });
  res.destroy(error instanceof Error ? error : undefined);
}

// At the current price: proofs that fail must not keep an old one alive.
async function offerAnew(
  context: RequestContext,
  rails: readonly PaymentRail[],
  refusal: Refusal,
): Promise<void> {
  const quote = context.pricing.fixed ?? (await context.pricing.current(viewOf(context)));
  if (quote === 'free')
    throw new AgentPayError('conflict', `${refusal.message} The request costs nothing by now.`);
  offer({ ...context, quote }, { rails, body: await context.body(), refusal });
}

function toAgentPayError(context: RequestContext, error: unknown): AgentPayError {
  if (isAgentPayError(error)) return error;
  context.config.report({
    what: 'a request to a priced route failed',
    error,
    requestId: requestIdOf(context),
  });
  return new AgentPayError('internal_error', 'The request failed.', { cause: error });
}

/** Refusals without an offer that the Payment scheme has a problem type for. */
const PROBLEMS: ReadonlyMap<ErrorName, mpp.ProblemCode> = new Map([
  ['payment_malformed', 'bad-request'],
  ['payment_ambiguous', 'bad-request'],
  ['internal_error', 'internal-payment-error'],
]);

function refuse(context: RequestContext, error: AgentPayError): void {
  const requestId = requestIdOf(context);
  // A reason from the wire, such as a facilitator's code, is finer than the name of the kind.
  const code = error.kind === 'payment_already_used' ? (error.reason ?? error.kind) : error.kind;
  const problemCode = PROBLEMS.get(error.kind);
  const problem = {
    type: problemCode ? mpp.problemType(problemCode) : 'about:blank',
    title: problemCode ? mpp.problems[problemCode].title : STATUS_CODES[error.status],
    status: error.status,
    detail: error.message,
    code,
    error: code,
    hint: error.hint,
    request_id: requestId,
  };
  const headers = {
    ...(error.retryAfter !== undefined && { 'Retry-After': String(error.retryAfter) }),
    // The handler may still be at work and touch a response that a next request on this connection would suffer from.
    ...(error.kind === 'handler_timeout' && { Connection: 'close' }),
    ...(context.allow && { Allow: context.allow.join(', ') }),
  };
  write(context, { status: error.status, body: asciiJson(JSON.stringify(problem)), requestId, headers });
}

interface Written {
  readonly status: number;
  /** ASCII where it is a text. */
  readonly body: string | Buffer;
  readonly requestId: string;
  readonly headers: OutgoingHttpHeaders;
  /** Headers of the dialects. */
  readonly offered?: Offering['headers'];
  readonly kind?: OfferKind;
}

/** Writes a response of our own. */
function write(context: RequestContext, answer: Written): void {
  if (context.gate) context.gate.replace(() => send(context, answer));
  else send(context, answer);
}

function send(context: RequestContext, { status, body, requestId, headers, offered, kind }: Written): void {
  const { res } = context;
  const head = pricedHeaders(context, kind);
  head['Cache-Control'] = 'no-store';
  head['Content-Type'] = 'application/problem+json; charset=utf-8';
  head['Content-Length'] = body.length;
  head['X-Request-Id'] = requestId;
  for (const name in offered) {
    const values = offered[name] as string | string[];
    head[name] = name === mpp.WWW_AUTHENTICATE ? challengesBeside(res, values) : values;
  }
  Object.assign(head, headers);
  res.writeHead(status, head);
  res.end(body, 'latin1');
}

/** Sends a stored response again. */
export function replay(context: PricedContext, answer: HeldResponse, receipt: Receipt): void {
  const { res } = context;
  res.statusCode = answer.status;
  setHeaders(res, answer.headers);
  res.setHeader(X_PAYMENT_REPLAYED, 'true');
  markPaid(context, receipt);
  res.end(answer.body);
}

/** Sets the headers of a paid response. */
export function markPaid(context: PricedContext, receipt: Receipt): void {
  const { res } = context;
  setHeaders(res, pricedHeaders(context));
  markPrivate(res);
  setHeaders(res, isSuccess(res.statusCode) ? receipt : withoutDelivery(context, receipt));
}

/** What tells of the money alone: receipts of MPP stand for a delivery. */
export function withoutDelivery({ config: { headers } }: RequestContext, receipt: Receipt): Receipt {
  return Object.fromEntries(
    Object.entries(receipt).filter(([name]) => !headers.deliveryReceipts.includes(name)),
  );
}

/** Sets the headers of a response that this caller got free of charge. */
export function markGranted(context: RequestContext): void {
  setHeaders(context.res, pricedHeaders(context));
  markPrivate(context.res);
}

/** Sets the headers of a response that was not charged. */
export function markUnpaid(context: PricedContext): void {
  setHeaders(context.res, pricedHeaders(context));
  // Shared caches know that responses to `Authorization` are private, but not those to this header.
  if (context.config.authorizationHeader === mpp.PAYMENT_AUTHORIZATION) markPrivate(context.res);
}

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}
