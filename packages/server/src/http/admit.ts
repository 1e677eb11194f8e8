import type { Endpoint } from '@agentpay/api';
import type { Principal } from '@agentpay/core';
import { requestIdOf } from '@agentpay/http';
import type { Request, Response } from 'express';
import { isPresented, type Authenticate } from '../auth/authenticate.js';
import type { Limit } from './rateLimit.js';

export interface AdmitOptions {
  readonly authenticate: Authenticate;
  readonly limit: Limit;
}

/**
 * Finds out who calls and charges the call to it, or to its address where no credential is asked for and none presented.
 * @throws AgentPayError `unauthorized`, `forbidden`, `rate_limited`
 */
export async function admit(
  { auth, optionalAuth, rate }: Pick<Endpoint, 'auth' | 'optionalAuth' | 'rate'>,
  { authenticate, limit }: AdmitOptions,
  request: Request,
  response: Response,
): Promise<Principal | undefined> {
  const kinds = optionalAuth.some((kind) => isPresented(kind, request)) ? optionalAuth : auth;
  if (kinds.length > 0) await limit.assertNotGuessing(request, response);
  const principal = await authenticate(kinds, request);
  if (principal) {
    response.locals['principal'] = principal.party.id;
    await limit.principal(principal.party.id, rate, response);
  } else {
    await limit.address(request, response);
  }
  return principal && { ...principal, requestId: requestIdOf(response) };
}
