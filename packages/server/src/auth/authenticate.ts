import { credentials, type Auth } from '@agentpay/api';
import { identity, type Core } from '@agentpay/core';
import { AgentPayError } from '@agentpay/primitives';
import type { Request } from 'express';

interface Principals {
  readonly agent: identity.Principal<'agent'>;
  readonly platform: identity.Principal<'platform'>;
}

/** Who calls an endpoint, by the credentials that it asks for. */
export type PrincipalOf<A extends Auth> = [A] extends [never]
  ? undefined
  : Principals[(typeof credentials)[A]['party']];

/** Finds out who calls. @throws AgentPayError `unauthorized` */
export type Authenticate = (
  kinds: readonly Auth[],
  request: Request,
) => Promise<identity.Principal | undefined>;

/** What the core calls these kinds. */
const coreKinds: Record<Auth, readonly identity.CredentialKind[]> = {
  agent: ['runtime', 'secret'],
  admin: ['admin'],
};

/**
 * Each kind of credential is read from its own header and nowhere else; a key in a wrong header is no key. Of the kinds that an
 * endpoint takes, the first that is presented decides.
 */
export function authenticator(core: Core): Authenticate {
  return async function authenticate(kinds, request) {
    if (kinds.length === 0) return undefined;
    for (const kind of kinds) {
      const secret = presented(kind, request);
      if (secret) return identity.authenticate(core, { accepts: coreKinds[kind], secret });
    }
    const headers = kinds.map((kind) => credentials[kind].shown).join(' or ');
    throw new AgentPayError('unauthorized', `This endpoint needs a key in the header ${headers}.`);
  };
}

function presented(kind: Auth, request: Request): string | undefined {
  const row: { header: string; scheme?: string } = credentials[kind];
  const value = request.get(row.header) ?? '';
  if (row.scheme === undefined) return value;
  const match = /^([A-Za-z0-9-]+) +([\x21-\x7e]{1,256})$/.exec(value);
  return match?.[1]?.toLowerCase() === row.scheme.toLowerCase() ? match[2] : undefined;
}
