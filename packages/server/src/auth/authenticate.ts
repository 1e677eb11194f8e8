import type { Auth } from '@agentpay/api';
import { identity, type Core } from '@agentpay/core';
import { AgentPayError } from '@agentpay/primitives';
import type { Request } from 'express';

/** Who calls an endpoint, by what the endpoint asks for. */
export type PrincipalOf<A extends Auth> = A extends 'none'
  ? undefined
  : A extends 'admin'
    ? identity.AdminPrincipal
    : identity.AgentPrincipal;

/** Finds out who calls. @throws AgentPayError `unauthorized` */
export type Authenticate = (auth: Auth, request: Request) => Promise<identity.Principal | undefined>;

/** Each kind of credential is read from its own header and nowhere else; a key in a wrong header is no key. */
export function authenticator(core: Core): Authenticate {
  return async function authenticate(auth, request) {
    if (auth === 'none') return undefined;
    if (auth === 'admin') {
      const secret = required(request.get('x-admin-key'), 'X-Admin-Key');
      return identity.authenticate(core, { kind: 'admin', secret });
    }
    const bearer = /^Bearer +([\x21-\x7e]{1,256})$/i.exec(request.get('authorization') ?? '');
    return identity.authenticate(core, {
      kind: 'runtime',
      secret: required(bearer?.[1], 'Authorization: Bearer'),
    });
  };
}

function required(secret: string | undefined, header: string): string {
  if (!secret) throw new AgentPayError('unauthorized', `This endpoint needs a key in the header ${header}.`);
  return secret;
}
