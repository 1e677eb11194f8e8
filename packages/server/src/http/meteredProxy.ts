import { agreements as family, anyOf } from '@agentpay/api';
import { agreements, type Core, type Principal } from '@agentpay/core';
import {
  addressBelow,
  faultOf,
  isGivenUp,
  type IncomingStream,
  type Logger,
  type Outbound,
} from '@agentpay/http';
import { AgentPayError, isId } from '@agentpay/primitives';
import type { UsageTokenClaims } from '@agentpay/protocol';
import type { Express, Request, Response } from 'express';
import type { Authenticate } from '../auth/authenticate.js';
import { admit } from './admit.js';
import { rememberFamily } from './errors.js';
import { givenOn, sentOn } from './passedHeaders.js';
import type { Limit } from './rateLimit.js';

const PATH = '/metered-proxy';
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
/** Metered calls under way at once on one instance. */
const MOST_AT_ONCE = 512;
const ADMITTED = { auth: anyOf('agent', 'agentKey'), optionalAuth: [], rate: 'lifecycle' } as const;
const USAGE = 'agentpay-usage';

/** How metered calls reach sellers. */
export interface MeteredWay {
  readonly streamOut: Outbound['streamOut'];
  readonly sign: (claims: UsageTokenClaims) => string;
}

interface Relaying {
  readonly core: Core;
  readonly log: Logger;
  readonly metered: MeteredWay;
  readonly baseUrl: () => string;
}

/**
 * `/metered-proxy/{agreement_id}/{path}`, any method: calls the service of an agreement for its buyer. One unit is set aside before, and
 * charged when the seller answers with 2xx: one, or as many as it says in `AgentPay-Usage: units=5` (header or trailer), up to what is
 * left. Bodies pass through as they come, no faster than they are read.
 */
export function meteredProxyRoutes(
  app: Express,
  { core, log, metered, baseUrl }: Relaying,
  { authenticate, limit }: { readonly authenticate: Authenticate; readonly limit: Limit },
): void {
  let underWay = 0;
  app.use(PATH, async (request: Request, response: Response) => {
    response.locals['endpoint'] = 'agreements.metered.call';
    rememberFamily(response, family);
    const principal = (await admit(ADMITTED, { authenticate, limit }, request, response)) as Principal;
    if (!METHODS.includes(request.method))
      throw new AgentPayError('method_not_allowed', `${request.method} is not passed on.`);
    const { agreementId, rest } = readPath(request.url);
    if (underWay >= MOST_AT_ONCE)
      throw new AgentPayError('unavailable', 'Too many metered calls are under way.', { retryAfter: 1 });
    underWay++;
    try {
      const call = await agreements.beginCall(core, { principal, agreementId });
      await relay({ core, log, metered, baseUrl }, call, { request, response, rest });
    } finally {
      underWay--;
    }
  });
}

function readPath(url: string): { agreementId: string; rest: string } {
  const [, id = '', rest = ''] = /^\/([^/?]*)(.*)$/s.exec(url) ?? [];
  if (isId('agreement', id)) return { agreementId: id, rest };
  throw new AgentPayError(
    'invalid_request',
    'The path names no agreement: it must be an id that starts with ua_.',
    {
      param: 'agreementId',
    },
  );
}

interface Passing {
  readonly request: Request;
  readonly response: Response;
  readonly rest: string;
}

async function relay(
  relaying: Relaying,
  call: agreements.MeteredCall,
  { request, response, rest }: Passing,
): Promise<void> {
  const { core, log } = relaying;
  let units: bigint | undefined;
  try {
    const upstream = await ask(relaying, call, { request, response, rest });
    units = await passOn(upstream, response, call.usage.id);
  } finally {
    await agreements
      .endCall(core, { ...call, units })
      .catch((error: unknown) =>
        log.error({ usage: call.usage.id, fault: faultOf(error) }, 'a call was not ended'),
      );
  }
  response.end();
}

/** @throws AgentPayError `seller_unavailable`, `invalid_request` */
async function ask(
  { core, metered, baseUrl }: Relaying,
  { agreement, usage, endpointUrl, timeoutMs }: agreements.MeteredCall,
  { request, response, rest }: Passing,
): Promise<IncomingStream> {
  const iat = Math.floor(core.clock.now() / 1000);
  const token = metered.sign({
    iss: baseUrl(),
    aud: agreement.serviceId,
    sub: agreement.buyerId,
    jti: usage.id,
    agreement: agreement.id,
    iat,
    exp: iat + Math.ceil(timeoutMs / 1000),
  });
  const hasBody =
    request.headers['transfer-encoding'] !== undefined || Number(request.get('content-length')) > 0;
  try {
    return await metered.streamOut(addressBelow(endpointUrl, rest), {
      method: request.method,
      headers: {
        ...sentOn(request.headers),
        'agentpay-agreement': agreement.id,
        'agentpay-usage-id': usage.id,
        'agentpay-usage-token': token,
      },
      body: hasBody ? request : undefined,
      timeoutMs,
      receiver: response,
    });
  } catch (error) {
    if ((error as Error).name !== 'OutboundError') throw error;
    const { fault } = error as { fault: string } & Error;
    throw new AgentPayError('seller_unavailable', 'The seller gave no response.', {
      reason: fault,
      cause: error,
    });
  }
}

/** Passes a response on; gives the units to charge, undefined when it was not served whole. A buyer who leaves has been served. */
async function passOn(
  upstream: IncomingStream,
  response: Response,
  usageId: string,
): Promise<bigint | undefined> {
  const served = upstream.status >= 200 && upstream.status < 300;
  response.status(upstream.status);
  for (const [name, value] of Object.entries(givenOn(upstream.headers)))
    response.setHeader(name, value as string | string[]);
  response.setHeader('AgentPay-Usage-Id', usageId);
  // What a seller sends is shown by browsers as nothing that could act on this origin.
  response.setHeader('Content-Security-Policy', "default-src 'none'; sandbox");
  response.setHeader('X-Content-Type-Options', 'nosniff');
  try {
    await upstream.pass();
  } catch (error) {
    response.destroy();
    if (!isGivenUp(error)) return undefined;
  }
  return served ? unitsOf(upstream) : undefined;
}

/** What the seller says that it was; one unit unless it says so. */
function unitsOf({ headers, trailers }: IncomingStream): bigint {
  const said = String(trailers[USAGE] ?? headers[USAGE] ?? '');
  const [, digits] = /^\s*units=(\d{1,9})\s*$/.exec(said) ?? [];
  return digits === undefined ? 1n : BigInt(digits);
}
