import { faultOf, requestIdOf, type HttpRefusal, type RenderRefusal } from '@agentpay/http';
import type { RequestListener } from 'node:http';
import {
  AgentPayError,
  isAgentPayError,
  newId,
  type Clock,
  type ErrorName,
  type Random,
} from '@agentpay/primitives';
import type { ErrorRequestHandler } from 'express';
import type { Logger } from 'pino';

/** What was thrown, as a response: a code, a sentence, what to do about it, and the id of the request. */
export interface ErrorReply {
  readonly status: number;
  /** Seconds. */
  readonly retryAfter: number | undefined;
  readonly body: object;
}

/** A request that failed: its path, and its body as far as it was read. */
interface Failed {
  readonly path: string;
  readonly body: unknown;
  readonly requestId: string;
}

/** Writes faults of ours to the log. */
export function errorReply(log: Logger, thrown: unknown, request: Failed): ErrorReply {
  const error = toAgentPayError(thrown);
  const { status, message, hint, retryAfter } = error;
  const { requestId } = request;
  if (status >= 500)
    log.error({ requestId, kind: error.kind, fault: faultOf(error.cause ?? thrown) }, message);
  const body = {
    ...refusalOf(request, error),
    code: error.reason ?? error.kind,
    error: message,
    hint,
    requestId,
  };
  return { status, retryAfter, body };
}

/** What Node itself refuses, and what comes over an open connection while the server closes. */
export function refusals(source: { clock: Clock; random: Random }): {
  readonly refuse: RenderRefusal;
  readonly whileClosing: RequestListener;
} {
  const refuse = (kind: ErrorName, message: string): HttpRefusal => {
    const { status, hint } = new AgentPayError(kind, message);
    const requestId = newId('request', source);
    const body = JSON.stringify({ code: kind, error: message, hint, requestId });
    return { status, headers: { 'X-Request-Id': requestId }, body };
  };
  return {
    refuse,
    whileClosing(_request, response) {
      const { status, headers, body } = refuse(
        'unavailable',
        'The facilitator is ending; nothing was taken.',
      );
      const fields = { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' };
      response.writeHead(status, { ...fields, ...headers, 'Retry-After': '1' }).end(body);
    },
  };
}

/** The same for routes of Express. */
export function respondWithErrors(log: Logger): ErrorRequestHandler {
  return (thrown: unknown, req, res, next) => {
    if (res.headersSent) return next(thrown);
    const { status, retryAfter, body } = errorReply(log, thrown, {
      path: req.path,
      body: req.body,
      requestId: requestIdOf(res),
    });
    if (retryAfter !== undefined) res.set('Retry-After', String(retryAfter));
    res.status(status).json(body);
  };
}

/** Refusals of a payment carry the members of the protocol as well, so that x402 servers can pass the reason on. */
function refusalOf({ path, body }: Failed, error: AgentPayError): object {
  if (error.kind !== 'payment_malformed') return {};
  const code = error.reason ?? 'invalid_payload';
  if (path === '/verify') return { isValid: false, invalidReason: code, invalidMessage: error.message };
  return {
    success: false,
    errorReason: code,
    errorMessage: error.message,
    transaction: '',
    network: networkOf(body),
  };
}

function networkOf(body: unknown): string {
  const network = (body as { paymentRequirements?: { network?: unknown } } | null | undefined)
    ?.paymentRequirements?.network;
  return typeof network === 'string' ? network.slice(0, 64) : '';
}

/** The error for whatever was thrown; what Express cannot read of a request is the caller's fault. */
export function toAgentPayError(thrown: unknown): AgentPayError {
  if (isAgentPayError(thrown)) return thrown;
  const { status } = (thrown ?? {}) as { status?: unknown };
  const callersFault = typeof status === 'number' && status >= 400 && status < 500;
  if (callersFault) return new AgentPayError('invalid_request', 'The request cannot be read.');
  return new AgentPayError('internal_error', 'The facilitator failed to respond.', { cause: thrown });
}
