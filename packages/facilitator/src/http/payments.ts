import { plain, requestIdFrom } from '@agentpay/http';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { AgentPayError, type Clock, type Random } from '@agentpay/primitives';
import {
  facilitatorRequestSchema,
  EIP2612_GAS_SPONSORING,
  PAYMENT_IDENTIFIER,
  toBase64,
  type FacilitatorRequest,
  type VerifyResponse,
  type x402v2,
} from '@agentpay/protocol';
import type { Express } from 'express';
import type { Logger } from 'pino';
import type { RunningFacilitator } from '../engine/Facilitator.js';
import type { Catalogue, ListingStatus } from '../extensions/Catalogue.js';
import type { PaymentIdentifiers } from '../extensions/PaymentIdentifiers.js';
import type { Metrics } from '../operations/Metrics.js';
import { guard, type Access } from './access.js';
import { errorReply, toAgentPayError } from './errors.js';
import { readJson } from './readJson.js';
import { limitPerTurn } from './limitPerTurn.js';

export interface PaymentOptions {
  readonly facilitator: RunningFacilitator;
  readonly access: Access;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Largest body, in bytes. */
  readonly bodyLimit: number;
  readonly metrics?: Metrics | undefined;
  readonly catalogue?: Catalogue | undefined;
  readonly identifiers?: PaymentIdentifiers | undefined;
}

type Operation = 'verify' | 'settle';
type PaymentResponse = VerifyResponse | x402v2.SettleResponse;

/** One call of `/verify` or `/settle`. */
interface Call {
  readonly operation: Operation;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly requestId: string;
  /** Name of the API key. */
  key: string | undefined;
  /** The body, once it has been read. */
  body: unknown;
}

/** Payments whose work begins in one turn of the event loop. */
const MOST_IN_A_TURN = 32;

const PAYMENT_PATH = /^\/(verify|settle)\/?(?:\?|$)/i;

/**
 * `POST /verify` and `POST /settle`; every other request goes on to `rest`. They stand in front of Express because they are
 * nearly all the traffic, and a framework's way to a response costs more than checking the signature.
 */
export function paymentsBefore(rest: RequestListener, options: PaymentOptions): RequestListener {
  const response = responder(options);
  return (req, res) => {
    const operation = req.method === 'POST' ? PAYMENT_PATH.exec(req.url ?? '')?.[1] : undefined;
    if (operation === undefined) return rest(req, res);
    const requestId = requestIdFrom(req.headers['x-request-id'], options);
    const call: Call = {
      operation: operation.toLowerCase() as Operation,
      req,
      res,
      requestId,
      key: undefined,
      body: undefined,
    };
    response(call).then(
      (given) => send(call, 200, given),
      (thrown: unknown) => refuse(options.log, call, thrown),
    );
  };
}

/** `GET /supported`. */
export function supportedRoute(
  app: Express,
  { facilitator, access, catalogue, identifiers }: PaymentOptions,
): void {
  const extensions = [...(catalogue ? ['bazaar'] : []), ...(identifiers ? [PAYMENT_IDENTIFIER] : [])];
  app.get('/supported', guard(access, 'public'), async (_req, res) => {
    const supported = await facilitator.supported();
    // Permit2 is served where `upto` is.
    const sponsored = supported.kinds.some(({ scheme }) => scheme === 'upto') ? [EIP2612_GAS_SPONSORING] : [];
    res.json({ ...supported, extensions: [...supported.extensions, ...extensions, ...sponsored] });
  });
}

function responder(options: PaymentOptions): (call: Call) => Promise<PaymentResponse> {
  const { facilitator, access, catalogue, identifiers, clock, log, metrics } = options;

  async function verify(request: FacilitatorRequest, { res }: Call): Promise<PaymentResponse> {
    const response = await facilitator.verify(request);
    if (response.isValid) tellListing(res, catalogue?.preview(request));
    return response;
  }

  async function settle(request: FacilitatorRequest, call: Call): Promise<PaymentResponse> {
    const move = () => facilitator.settle(request, call.key);
    const response = await (identifiers ? identifiers.guard(request, move) : move());
    if (response.success) tellListing(call.res, await listed(request, response.payer, call));
    return response;
  }

  /** The money has moved: whatever happens to the listing, the response is that. */
  async function listed(
    request: FacilitatorRequest,
    payer: string | undefined,
    { requestId }: Call,
  ): Promise<ListingStatus | undefined> {
    try {
      return await catalogue?.add(request, payer);
    } catch (error) {
      log.warn({ requestId, reason: plain((error as Error).message) }, 'the resource was not listed');
      return undefined;
    }
  }

  const operations = { verify, settle };
  const turn = limitPerTurn(MOST_IN_A_TURN);
  return async (call) => {
    const { operation, req, res, requestId } = call;
    call.key = await access(operation, req, res);
    call.body = await readJson(req, options.bodyLimit);
    await turn();
    const started = clock.now();
    const count = (result: string) => metrics?.answered(operation, result, (clock.now() - started) / 1000);
    try {
      const given = await operations[operation](readRequest(call.body), call);
      count(resultOf(given));
      log.info({ requestId, key: call.key, operation, ...summary(given) }, operation);
      return given;
    } catch (error) {
      count(toAgentPayError(error).kind);
      throw error;
    }
  };
}

/** JSON that is nobody's page, for nobody's cache. */
const HEADERS = [
  ['Content-Type', 'application/json; charset=utf-8'],
  ['Cache-Control', 'no-store'],
  ['Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'"],
  ['Strict-Transport-Security', 'max-age=31536000; includeSubDomains'],
  ['X-Content-Type-Options', 'nosniff'],
].flat();

function send({ res, requestId }: Call, status: number, body: object): void {
  const text = JSON.stringify(body);
  res.writeHead(status, [
    ...HEADERS,
    'X-Request-Id',
    requestId,
    'Content-Length',
    String(Buffer.byteLength(text)),
  ]);
  res.end(text);
}

function refuse(log: Logger, call: Call, thrown: unknown): void {
  const { status, retryAfter, body } = errorReply(log, thrown, { ...call, path: `/${call.operation}` });
  if (retryAfter !== undefined) call.res.setHeader('Retry-After', String(retryAfter));
  send(call, status, body);
}

/** Tells the seller's server what became of its listing; it does not reach the buyer. */
function tellListing(res: ServerResponse, status: ListingStatus | undefined): void {
  if (status) res.setHeader('EXTENSION-RESPONSES', toBase64({ bazaar: status }));
}

/** @throws AgentPayError `payment_malformed` with the x402 reason for the part that is wrong */
function readRequest(body: unknown): FacilitatorRequest {
  const parsed = facilitatorRequestSchema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue?.path.length ? `${issue.path.join('.')}: ` : '';
  const reason = shapeReason(issue?.path[0]);
  throw new AgentPayError(
    'payment_malformed',
    `The request is malformed. ${where}${issue?.message ?? 'wrong shape'}.`,
    { reason },
  );
}

function shapeReason(part: PropertyKey | undefined): string {
  if (part === 'paymentRequirements') return 'invalid_payment_requirements';
  return part === 'x402Version' ? 'invalid_x402_version' : 'invalid_payload';
}

function resultOf(response: PaymentResponse): string {
  if ('isValid' in response) return response.isValid ? 'valid' : (response.invalidReason ?? 'invalid');
  return response.success ? 'settled' : (response.errorReason ?? 'failed');
}

/** What is logged of an response: never the payload, which holds the signature. */
function summary(response: object): Record<string, unknown> {
  const { isValid, success, invalidReason, errorReason, transaction, payer } = response as Record<
    string,
    unknown
  >;
  return { isValid, success, invalidReason, errorReason, transaction, payer };
}
