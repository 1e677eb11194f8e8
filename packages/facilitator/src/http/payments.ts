import { AgentPayError, type Clock } from '@agentpay/primitives';
import { facilitatorRequestSchema, toBase64, type FacilitatorRequest, type VerifyResponse, type x402v2 } from '@agentpay/protocol';
import express, { type Express, type RequestHandler, type Response } from 'express';
import type { Logger } from 'pino';
import type { Catalogue, ListingStatus } from '../extensions/Catalogue.js';
import type { RunningFacilitator } from '../engine/Facilitator.js';
import { plain } from '../operations/log.js';
import type { Metrics } from '../operations/Metrics.js';
import { PAYMENT_IDENTIFIER, type PaymentIdentifiers } from '../extensions/PaymentIdentifiers.js';
import { keyNameOf, type Access } from './access.js';
import { toAgentPayError } from './errors.js';
import { requestIdOf } from './requestId.js';

export interface PaymentRoutesOptions {
  readonly facilitator: RunningFacilitator;
  readonly access: Access;
  readonly clock: Clock;
  readonly log: Logger;
  /** Largest body, in bytes. */
  readonly bodyLimit: number;
  readonly metrics?: Metrics | undefined;
  readonly catalogue?: Catalogue | undefined;
  readonly identifiers?: PaymentIdentifiers | undefined;
}

type Operation = 'verify' | 'settle';
type Answer = VerifyResponse | x402v2.SettleResponse;

/** `POST /verify`, `POST /settle`, `GET /supported`: the protocol. */
export function paymentRoutes(app: Express, options: PaymentRoutesOptions): void {
  const { facilitator, access, catalogue, identifiers } = options;
  const json = express.json({ limit: options.bodyLimit, strict: false });

  const answers: Record<Operation, (request: FacilitatorRequest, res: Response) => Promise<Answer>> = {
    async verify(request, res) {
      const answer = await facilitator.verify(request);
      if (answer.isValid) tellListing(res, catalogue?.preview(request));
      return answer;
    },
    async settle(request, res) {
      const settle = () => facilitator.settle(request);
      const answer = await (identifiers ? identifiers.guard(request, settle) : settle());
      if (answer.success) tellListing(res, await listed(request, res));
      return answer;
    },
  };

  /** The money has moved: whatever happens to the listing, the answer is that. */
  async function listed(request: FacilitatorRequest, res: Response): Promise<ListingStatus | undefined> {
    try {
      return await catalogue?.add(request);
    } catch (error) {
      options.log.warn({ requestId: requestIdOf(res), reason: plain((error as Error).message) }, 'the resource was not listed');
      return undefined;
    }
  }

  for (const operation of ['verify', 'settle'] as const) {
    app.post(`/${operation}`, access(operation), requireJson, json, measured(options, operation, answers[operation]));
  }
  const extensions = [...(catalogue ? ['bazaar'] : []), ...(identifiers ? [PAYMENT_IDENTIFIER] : [])];
  app.get('/supported', access('public'), async (_req, res) => {
    const supported = await facilitator.supported();
    res.json({ ...supported, extensions: [...supported.extensions, ...extensions] });
  });
}

function measured(
  { clock, log, metrics }: PaymentRoutesOptions,
  operation: Operation,
  answer: (request: FacilitatorRequest, res: Response) => Promise<Answer>,
): RequestHandler {
  return async (req, res) => {
    const started = clock.now();
    const count = (result: string) => metrics?.answered(operation, result, (clock.now() - started) / 1000);
    try {
      const given = await answer(readRequest(req.body), res);
      count(resultOf(given));
      log.info({ requestId: requestIdOf(res), key: keyNameOf(res), operation, ...summary(given) }, operation);
      res.json(given);
    } catch (error) {
      count(toAgentPayError(error).kind);
      throw error;
    }
  };
}

/** Tells the seller's server what became of its listing; it does not reach the buyer. */
function tellListing(res: Response, status: ListingStatus | undefined): void {
  if (status) res.set('EXTENSION-RESPONSES', toBase64({ bazaar: status }));
}

const requireJson: RequestHandler = (req, _res, next) => {
  if (req.is('application/json')) return next();
  next(new AgentPayError('unsupported_media_type', 'The body must be JSON, with Content-Type: application/json.'));
};

/** @throws AgentPayError `payment_malformed` with the x402 reason for the part that is wrong */
function readRequest(body: unknown): FacilitatorRequest {
  const parsed = facilitatorRequestSchema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue?.path.length ? `${issue.path.join('.')}: ` : '';
  const reason = shapeReason(issue?.path[0]);
  throw new AgentPayError('payment_malformed', `The request is malformed. ${where}${issue?.message ?? 'wrong shape'}.`, { reason });
}

function shapeReason(part: PropertyKey | undefined): string {
  if (part === 'paymentRequirements') return 'invalid_payment_requirements';
  return part === 'x402Version' ? 'invalid_x402_version' : 'invalid_payload';
}

function resultOf(answer: Answer): string {
  if ('isValid' in answer) return answer.isValid ? 'valid' : (answer.invalidReason ?? 'invalid');
  return answer.success ? 'settled' : (answer.errorReason ?? 'failed');
}

/** What is logged of an answer: never the payload, which holds the signature. */
function summary(answer: object): Record<string, unknown> {
  const { isValid, success, invalidReason, errorReason, transaction, payer } = answer as Record<string, unknown>;
  return { isValid, success, invalidReason, errorReason, transaction, payer };
}
