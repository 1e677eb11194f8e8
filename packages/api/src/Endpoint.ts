import type { ErrorName } from '@agentpay/primitives';
import { z } from 'zod';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Who may call: anybody; an agent by `Authorization: Bearer`; the operator by `X-Admin-Key`. */
export type Auth = 'none' | 'agent' | 'admin';

/** Class of the rate limit: `lifecycle` is for the calls that a busy seller makes for every sale. */
export type Rate = 'standard' | 'lifecycle';

/** A documented call in wire form, with ids of the right shape. */
export interface Example {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly response: Readonly<Record<string, unknown>>;
}

/**
 * One endpoint as data. Routes, parsing, encoding, clients and documents are derived from it.
 * Schemas are codecs: `decode` reads the wire, `encode` writes it.
 */
export interface Endpoint<
  Params extends z.ZodObject = z.ZodObject,
  Query extends z.ZodObject = z.ZodObject,
  Body extends z.ZodObject = z.ZodObject,
  Response extends z.ZodObject = z.ZodObject,
  Access extends Auth = Auth,
> {
  /** `family.noun.verb`, unique. */
  readonly id: string;
  /** One sentence: what a call does. */
  readonly summary: string;
  readonly method: Method;
  /** With parameters in braces: `/v1/agents/{agent_id}`. */
  readonly path: string;
  readonly auth: Access;
  readonly rate: Rate;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly response: Response;
  /** Status of success. */
  readonly status: 200 | 201 | 202;
  /** Errors of this endpoint beside those that every endpoint has: {@link commonErrors}. */
  readonly errors: readonly ErrorName[];
  readonly example: Example;
}

const none = z.object({});
type None = typeof none;

type Optional = 'rate' | 'params' | 'query' | 'body' | 'errors';
type Definition<E extends Endpoint> = Omit<E, Optional> & Partial<Pick<E, Optional>>;

/**
 * Completes a definition: no parameters, query or body unless given, the standard rate, no errors of its own.
 * @throws TypeError when the path and `params` name different parameters.
 */
function from<
  R extends z.ZodObject,
  A extends Auth,
  P extends z.ZodObject = None,
  Q extends z.ZodObject = None,
  B extends z.ZodObject = None,
>(definition: Definition<Endpoint<P, Q, B, R, A>>): Endpoint<P, Q, B, R, A> {
  const endpoint = {
    rate: 'standard',
    params: none,
    query: none,
    body: none,
    errors: [],
    ...definition,
  } as Endpoint<P, Q, B, R, A>;
  const named = pathParams(endpoint.path).join();
  const declared = Object.keys(endpoint.params.shape).join();
  if (named !== declared)
    throw new TypeError(`${endpoint.id}: the path names (${named}), params declares (${declared})`);
  return Object.freeze(endpoint);
}

/** Names of the parameters in a path, in order. */
export function pathParams(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string);
}

/** Errors that every endpoint can answer with. */
export const commonErrors = [
  'invalid_request',
  'invalid_amount',
  'invalid_json',
  'request_timeout',
  'payload_too_large',
  'unsupported_media_type',
  'headers_too_large',
  'rate_limited',
  'internal_error',
  'outcome_unknown',
  'unavailable',
] as const satisfies readonly ErrorName[];

/** Every error that this endpoint can answer with. */
export function errorsOf(endpoint: Endpoint): ErrorName[] {
  const auth: Record<Auth, readonly ErrorName[]> = {
    none: [],
    agent: ['unauthorized'],
    admin: ['unauthorized'],
  };
  return [...new Set<ErrorName>([...commonErrors, ...auth[endpoint.auth], ...endpoint.errors])];
}

export const Endpoint = { from };
