import type { Endpoint, Family, Noun, RequestOf, ResponseOf } from '@agentpay/api';
import type { Core, idempotency } from '@agentpay/core';
import type { PrincipalOf } from '../auth/authenticate.js';
import type { Composition } from '../compose.js';
import type { Cookies } from './cookies.js';

/** A decoded request of an endpoint and who sent it. */
export interface EndpointCall<E extends Endpoint> extends RequestOf<E> {
  readonly principal: PrincipalOf<E['auth'][number]>;
  /** Under which key the request may be repeated. Endpoints with `idempotent: 'itself'` see to it; for others it is done. */
  readonly repeatable: idempotency.RepeatableRequest | undefined;
  readonly cookies: Cookies;
}

/** An endpoint with what answers it. */
export interface EndpointRoute {
  readonly family: Family;
  readonly endpoint: Endpoint;
  readonly handle: Handle;
  /** The same on a core whose transactions are all one. */
  readonly within: (core: Core) => Handle;
}

type Handle = (call: EndpointCall<Endpoint>) => Promise<ResponseOf<Endpoint>>;

/** One handler for each verb of a noun. */
export type Handlers<N extends Noun> = {
  readonly [Verb in keyof N]: (call: EndpointCall<N[Verb]>) => Promise<ResponseOf<N[Verb]>>;
};

type AnyHandlers = Readonly<Record<string, Handle>>;

/** A noun with its handlers. */
export interface Implementation {
  readonly noun: Noun;
  readonly handlers: (composition: Composition) => AnyHandlers;
}

/** Ties a noun to its handlers; a verb without one does not compile. */
export function implement<N extends Noun>(
  noun: N,
  handlers: (composition: Composition) => Handlers<N>,
): Implementation {
  return { noun, handlers: handlers as unknown as Implementation['handlers'] };
}

/** The routes of a noun that is implemented. */
export function routesOf(
  family: Family,
  { noun, handlers }: Implementation,
  composition: Composition,
): EndpointRoute[] {
  const handlerOf = handlers(composition);
  return Object.entries(noun).map(([verb, endpoint]) => {
    const within = (core: Core) => handlers({ ...composition, core })[verb] as Handle;
    return { family, endpoint, handle: handlerOf[verb] as Handle, within };
  });
}
