import { credentialRow, type Auth, type credentials } from '@agentpay/api';
import { explorer, identity, type Core } from '@agentpay/core';
import { AgentPayError } from '@agentpay/primitives';
import type { Request } from 'express';
import { cookieIn } from '../http/cookies.js';
import { assertCsrf } from './csrf.js';

/** Who calls an endpoint, by the credentials that it asks for; undefined for somebody without, where it asks for none. */
export type PrincipalOf<A extends Auth> = [A] extends [never]
  ? identity.Principal | undefined
  : identity.Principal<(typeof credentials)[A]['party']>;

/** Finds out who calls. @throws AgentPayError `unauthorized`, `forbidden` (a write from a browser without its CSRF token) */
export type Authenticate = (
  kinds: readonly Auth[],
  request: Request,
) => Promise<identity.Principal | undefined>;

/** What the core calls these kinds. */
const coreKinds: Record<Exclude<Auth, 'explorer'>, readonly identity.CredentialKind[]> = {
  agent: ['runtime', 'secret'],
  apiKey: ['apiKey'],
  agentKey: ['agentKey'],
  gateway: ['gateway'],
  developer: ['developer'],
  admin: ['admin'],
  demoAdmin: ['demoAdmin'],
  session: ['session'],
};

/**
 * Each kind of credential is read from its own header and nowhere else; a key in a wrong header is no key. Of the kinds that an
 * endpoint takes, the first that is presented decides.
 */
export function authenticator(core: Core): Authenticate {
  /** Whom a secret speaks for; kinds that share a header are told apart by the secret alone. */
  function identify(kind: Auth, kinds: readonly Auth[], secret: string): Promise<identity.Principal> {
    if (kind === 'explorer') return explorer.admit(core, { token: secret });
    const { header, scheme } = credentialRow(kind);
    const alike = kinds.filter((other) => {
      const row = credentialRow(other);
      return row.header === header && row.scheme === scheme && row.cookie === credentialRow(kind).cookie;
    }) as Exclude<Auth, 'explorer'>[];
    return identity.authenticate(core, { accepts: alike.flatMap((each) => coreKinds[each]), secret });
  }

  return async function authenticate(kinds, request) {
    if (kinds.length === 0) return undefined;
    for (const kind of kinds) {
      const secret = presented(kind, request);
      if (!secret) continue;
      const principal = await identify(kind, kinds, secret);
      assertCsrf(credentialRow(kind).csrf, secret, request);
      return principal;
    }
    const headers = [...new Set(kinds.map((kind) => credentialRow(kind).shown))].join(' or ');
    throw new AgentPayError('unauthorized', `This endpoint needs a key in the header ${headers}.`);
  };
}

/** Whether a request carries anything in the place of such a credential, were it malformed; a scheme with nothing after it is nothing. */
export function isPresented(kind: Auth, request: Request): boolean {
  const { header, scheme } = credentialRow(kind);
  const value = request.get(header) ?? '';
  return scheme === undefined ? value !== '' : value.toLowerCase().startsWith(`${scheme.toLowerCase()} `);
}

function presented(kind: Auth, request: Request): string | undefined {
  const { header, scheme, cookie } = credentialRow(kind);
  const value = request.get(header) ?? '';
  if (cookie !== undefined) return cookieIn(value, cookie);
  if (scheme === undefined) return value;
  const match = /^([A-Za-z0-9-]+) +([\x21-\x7e]{1,256})$/.exec(value);
  return match?.[1]?.toLowerCase() === scheme.toLowerCase() ? match[2] : undefined;
}
