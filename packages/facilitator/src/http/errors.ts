import { AgentPayError, isAgentPayError } from '@agentpay/primitives';
import type { ErrorRequestHandler, Request } from 'express';
import type { Logger } from 'pino';
import { faultOf } from '../operations/log.js';
import { requestIdOf } from './requestId.js';

/** Answers what was thrown: a code, a sentence, what to do about it, and the id of the request. */
export function answerErrors(log: Logger): ErrorRequestHandler {
  return (thrown: unknown, req, res, next) => {
    if (res.headersSent) return next(thrown);
    const error = toAgentPayError(thrown);
    const requestId = requestIdOf(res);
    if (error.status >= 500) log.error({ requestId, kind: error.kind, fault: faultOf(error.cause ?? thrown) }, error.message);
    if (error.retryAfter !== undefined) res.set('Retry-After', String(error.retryAfter));
    const { status, message, hint } = error;
    res.status(status).json({ ...refusalOf(req, error), code: error.reason ?? error.kind, error: message, hint, requestId });
  };
}

/** Refusals of a payment carry the members of the protocol as well, so that x402 servers can pass the reason on. */
function refusalOf(req: Request, error: AgentPayError): object {
  if (error.kind !== 'payment_malformed') return {};
  const code = error.reason ?? 'invalid_payload';
  if (req.path === '/verify') return { isValid: false, invalidReason: code, invalidMessage: error.message };
  return { success: false, errorReason: code, errorMessage: error.message, transaction: '', network: networkOf(req.body) };
}

function networkOf(body: unknown): string {
  const network = (body as { paymentRequirements?: { network?: unknown } } | null | undefined)?.paymentRequirements?.network;
  return typeof network === 'string' ? network.slice(0, 64) : '';
}

/** The error for whatever was thrown; faults of the body reader are the caller's. */
export function toAgentPayError(thrown: unknown): AgentPayError {
  if (isAgentPayError(thrown)) return thrown;
  const { type, status } = (thrown ?? {}) as { type?: unknown; status?: unknown };
  if (type === 'entity.too.large') return new AgentPayError('payload_too_large', 'The body is too large.');
  if (type === 'entity.parse.failed') return new AgentPayError('invalid_json', 'The body is not JSON.');
  if (type === 'encoding.unsupported' || type === 'charset.unsupported') {
    return new AgentPayError('unsupported_media_type', 'The body must be plain UTF-8 JSON.');
  }
  const readerFault = typeof status === 'number' && status >= 400 && status < 500;
  if (readerFault) return new AgentPayError('invalid_request', 'The request cannot be read.');
  return new AgentPayError('internal_error', 'The facilitator failed to answer.', { cause: thrown });
}
