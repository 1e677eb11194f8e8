import { AgentPayError, isAgentPayError, newId, type Clock, type Random } from '@agentpay/primitives';
import { facilitatorRequestSchema, type FacilitatorRequest } from '@agentpay/protocol';
import express, { type ErrorRequestHandler, type Express, type Request, type RequestHandler } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import type { RunningFacilitator } from './Facilitator.js';

export interface AppOptions {
  readonly facilitator: RunningFacilitator;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Largest body, in bytes. Default 64 KiB. */
  readonly bodyLimit?: number;
}

type Operation = 'verify' | 'settle';

/** The facilitator over HTTP: `/verify`, `/settle`, `/supported`, and its health. */
export function createApp(options: AppOptions): Express {
  const { facilitator, log, bodyLimit = 64 * 1024 } = options;
  const app = express();
  app.disable('x-powered-by');
  app.use(identify(options));
  app.use(helmet());
  const json = express.json({ limit: bodyLimit, strict: false });
  for (const operation of ['verify', 'settle'] as const) {
    app.post(`/${operation}`, requireJson, json, async (req, res) => {
      const request = parseRequest(req.body);
      if (!request) throw new AgentPayError('payment_malformed', describeShape(req.body), { reason: shapeReason(req.body) });
      const answer = await facilitator[operation](request);
      log.info({ requestId: res.locals['requestId'], operation, ...summary(answer) }, operation);
      res.json(answer);
    });
  }
  app.get('/supported', async (_req, res) => void res.json(await facilitator.supported()));
  app.get(['/health', '/healthz'], (_req, res) => void res.json({ status: 'ok' }));
  app.get('/readyz', async (_req, res) => {
    const reason = await facilitator.ready().then(() => undefined, (error: Error) => error.message);
    if (reason === undefined) res.json({ status: 'ok' });
    else res.status(503).json({ status: 'unavailable', code: 'unavailable', error: reason });
  });
  app.use(unknownRoute);
  app.use(answerError(log));
  return app;
}

function identify({ clock, random }: AppOptions): RequestHandler {
  return (_req, res, next) => {
    res.locals['requestId'] = newId('request', { clock, random });
    res.set('X-Request-Id', res.locals['requestId']).set('Cache-Control', 'no-store');
    next();
  };
}

const requireJson: RequestHandler = (req, _res, next) => {
  if (req.is('application/json')) return next();
  next(new AgentPayError('unsupported_media_type', 'The body must be JSON, with Content-Type: application/json.'));
};

const routes: Readonly<Record<string, string>> = {
  '/verify': 'POST', '/settle': 'POST', '/supported': 'GET', '/health': 'GET', '/healthz': 'GET', '/readyz': 'GET',
};

const unknownRoute: RequestHandler = (req, res, next) => {
  const allowed = routes[req.path];
  if (!allowed) return next(new AgentPayError('not_found', `There is nothing at ${req.path.slice(0, 200)}.`));
  res.set('Allow', allowed);
  next(new AgentPayError('method_not_allowed', `${req.path} takes ${allowed} only.`));
};

function parseRequest(body: unknown): FacilitatorRequest | undefined {
  const parsed = facilitatorRequestSchema.safeParse(body);
  return parsed.success ? parsed.data : undefined;
}

function describeShape(body: unknown): string {
  const issue = facilitatorRequestSchema.safeParse(body).error?.issues[0];
  const where = issue?.path.length ? `${issue.path.join('.')}: ` : '';
  return `The request is malformed. ${where}${issue?.message ?? 'wrong shape'}.`;
}

/** The x402 reason for a body of the wrong shape, by the part that is wrong. */
function shapeReason(body: unknown): string {
  const [part] = facilitatorRequestSchema.safeParse(body).error?.issues[0]?.path ?? [];
  if (part === 'paymentRequirements') return 'invalid_payment_requirements';
  return part === 'x402Version' ? 'invalid_x402_version' : 'invalid_payload';
}

/** What is logged of an answer: never the payload, which holds the signature. */
function summary(answer: object): Record<string, unknown> {
  const { isValid, success, invalidReason, errorReason, transaction, payer } = answer as Record<string, unknown>;
  return { isValid, success, invalidReason, errorReason, transaction, payer };
}

function answerError(log: Logger): ErrorRequestHandler {
  return (thrown: unknown, req, res, next) => {
    if (res.headersSent) return next(thrown);
    const error = toAgentPayError(thrown);
    const { requestId } = res.locals;
    if (error.status >= 500) log.error({ requestId, kind: error.kind, err: error.cause ?? thrown }, error.message);
    if (error.retryAfter !== undefined) res.set('Retry-After', String(error.retryAfter));
    const { status, message, hint } = error;
    res.status(status).json({ ...refusalOf(req, error), code: error.reason ?? error.kind, error: message, hint, requestId });
  };
}

/** Refusals of a payment carry the members of the protocol as well, so that x402 servers can pass the reason on. */
function refusalOf(req: Request, error: AgentPayError): object {
  if (error.kind !== 'payment_malformed') return {};
  const code = error.reason ?? 'invalid_payload';
  if (operationOf(req) === 'verify') return { isValid: false, invalidReason: code, invalidMessage: error.message };
  return { success: false, errorReason: code, errorMessage: error.message, transaction: '', network: networkOf(req.body) };
}

function operationOf(req: Request): Operation {
  return req.path === '/verify' ? 'verify' : 'settle';
}

function networkOf(body: unknown): string {
  const network = (body as { paymentRequirements?: { network?: unknown } } | null | undefined)?.paymentRequirements?.network;
  return typeof network === 'string' ? network.slice(0, 64) : '';
}

function toAgentPayError(thrown: unknown): AgentPayError {
  if (isAgentPayError(thrown)) return thrown;
  const { type, status } = thrown as { type?: unknown; status?: unknown };
  if (type === 'entity.too.large') return new AgentPayError('payload_too_large', 'The body is too large.');
  if (type === 'entity.parse.failed') return new AgentPayError('invalid_json', 'The body is not JSON.');
  if (type === 'encoding.unsupported' || type === 'charset.unsupported') {
    return new AgentPayError('unsupported_media_type', 'The body must be plain UTF-8 JSON.');
  }
  const readerFault = typeof status === 'number' && status >= 400 && status < 500;
  if (readerFault) return new AgentPayError('invalid_request', 'The request cannot be read.');
  return new AgentPayError('internal_error', 'The facilitator failed to answer.', { cause: thrown });
}

