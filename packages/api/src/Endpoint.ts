import type { ErrorName } from '@agentpay/primitives';
import * as z from 'zod';
import type { Auth } from './credentials.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Class of the rate limit: `lifecycle` is for the calls that a busy seller makes for every sale. */
export type Rate = 'standard' | 'lifecycle';

/**
 * What a success looks like: JSON; a page (HTML, or JSON `{html}` where the endpoint says so); a redirect to `location`; plain text;
 * server-sent events; bytes.
 */
export type ResponseKind = 'json' | 'page' | 'redirect' | 'text' | 'stream' | 'binary';

/** A documented call in wire form, with ids of the right shape. */
export interface Example {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly response: Readonly<Record<string, unknown>>;
}

/** How the endpoint is offered to models as a tool. */
export interface Tool {
  /** When and how to use it, for a model; follows the summary. */
  readonly description?: string;
  /** Whether it changes nothing; of a GET unless said otherwise. */
  readonly readOnly?: boolean;
  /** Whether it moves or commits money, or takes something away for good; so does whatever changes something, unless said otherwise. */
  readonly destructive?: boolean;
  /** Whether sent again it changes nothing more; so it is of what takes a key for that, of PUT and DELETE, unless said otherwise. */
  readonly repeatable?: boolean;
  /** Whether it calls servers of anybody. */
  readonly openWorld?: boolean;
}

/** A success of another status than the usual one. */
export interface OtherSuccess {
  readonly status: 202;
  readonly description: string;
  readonly when: (wire: Readonly<Record<string, unknown>>) => boolean;
}

/** An endpoint that goes away. */
export interface Deprecation {
  /** Day since when, as `2026-05-08`. */
  readonly since: string;
  /** What to use instead. */
  readonly instead: string;
}

/** One endpoint as its noun's file defines it; its family adds the id. */
export interface Definition<
  Params extends z.ZodObject = z.ZodObject,
  Query extends z.ZodObject = z.ZodObject,
  Body extends z.ZodObject = z.ZodObject,
  Response extends z.ZodObject = z.ZodObject,
  Access extends Auth = Auth,
  Waiting extends z.ZodObject | undefined = z.ZodObject | undefined,
> {
  /** One sentence: what a call does. */
  readonly summary: string;
  readonly method: Method;
  /** With parameters in braces: `/v1/agents/{agent_id}`. */
  readonly path: string;
  /** Credentials, any one of which opens it: `anyOf('agent')`, or `anyone`. */
  readonly auth: readonly Access[];
  /** Of an endpoint for anyone: credentials that may be presented all the same, and then count. A wrong one is refused. */
  readonly optionalAuth: readonly Auth[];
  /** Path parameter that must be the id of the caller: the key of anybody else is no key here. */
  readonly self: string | undefined;
  readonly rate: Rate;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly kind: ResponseKind;
  /** Of a page: whether it is JSON `{html}` unless `Accept` ranks HTML above JSON. */
  readonly htmlInJson: boolean;
  /** Of a page: whether it is Markdown where `Accept` ranks `text/markdown` above HTML, or where the path ends in `.md`. */
  readonly markdown: boolean;
  /** `Content-Type` of a text and of bytes. */
  readonly contentType: string;
  readonly response: Response;
  /** What is answered with 202 where the call waits for somebody's decision; no response fits both shapes. */
  readonly waiting: Waiting;
  /** Status of success. */
  readonly status: 200 | 201 | 202 | 302 | 303;
  /** Another success, told apart by the response on the wire. */
  readonly also: OtherSuccess | undefined;
  /** Errors of this endpoint beside those that every endpoint has: {@link commonErrors}. */
  readonly errors: readonly ErrorName[];
  /**
   * Whether `Idempotency-Key` (or the field `idempotency_key`) makes it safe to repeat. True where the handler only uses the database:
   * then the server sees to it. `itself` where the work lasts or leaves the process, and the operation claims the key.
   */
  readonly idempotent: boolean | 'itself';
  /**
   * Who writes what the operator of the platform does here into the audit log. True: the server, in the transaction of the handler, which
   * must use nothing but the database. `itself` where the work lasts or leaves the process.
   */
  readonly audited: true | 'itself';
  /**
   * What sessions of the public sandbox may do here: read, and write where their role may (`role`); always the host (`host`) or everybody
   * (`all`); nothing (`closed`).
   */
  readonly demo: 'role' | 'host' | 'all' | 'closed';
  readonly tool: Tool | undefined;
  readonly deprecated: Deprecation | undefined;
  readonly example: Example;
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
  Waiting extends z.ZodObject | undefined = z.ZodObject | undefined,
> extends Definition<Params, Query, Body, Response, Access, Waiting> {
  /** `family.noun.verb`, unique; derived from where it is defined. */
  readonly id: string;
}

const none = z.object({});
type None = typeof none;

const html = z.object({ html: z.string(), markdown: z.string().optional() });
/** What the JSON form of a page holds. */
export const pageInJson = z.object({ html: z.string() });
const location = z.object({ location: z.string() });
const text = z.object({ text: z.string() });
const stream = z.object({ events: z.custom<EventStream>() });

/** What is told to whoever listens. */
export interface StreamedEvent {
  readonly id: string;
  readonly type: string;
  /** ISO 8601. */
  readonly created: string;
  readonly data: { readonly object: Readonly<Record<string, unknown>> };
}

/** Events as they come; a client that has read all of a stream has them as a list. */
export type EventStream = AsyncIterable<StreamedEvent> | Iterable<StreamedEvent>;
/** Bytes; base64 where they are part of JSON, as for tools. */
const binaryBody = z.object({
  bytes: z
    .codec(
      z.base64(),
      z.custom<Uint8Array>((value) => value instanceof Uint8Array),
      {
        decode: (wire) => z.util.base64ToUint8Array(wire),
        encode: (read) => z.util.uint8ArrayToBase64(read),
      },
    )
    .meta({ wire: { type: 'string', contentEncoding: 'base64' } }),
});

const defaults = {
  optionalAuth: [],
  self: undefined,
  rate: 'standard',
  waiting: undefined,
  params: none,
  query: none,
  body: none,
  kind: 'json',
  htmlInJson: false,
  markdown: false,
  contentType: 'text/plain; charset=utf-8',
  errors: [],
  idempotent: false,
  audited: true,
  demo: 'role',
  tool: undefined,
  deprecated: undefined,
  also: undefined,
} as const;

type Given<D extends Definition> = Omit<D, keyof typeof defaults> & Partial<Pick<D, keyof typeof defaults>>;

/**
 * Completes a definition: JSON, no parameters, query or body unless given, the standard rate, no errors of its own.
 * @throws TypeError when the path and `params` name different parameters
 */
function from<
  R extends z.ZodObject,
  A extends Auth = never,
  P extends z.ZodObject = None,
  Q extends z.ZodObject = None,
  B extends z.ZodObject = None,
  W extends z.ZodObject | undefined = undefined,
>(given: Given<Definition<P, Q, B, R, A, W>>): Definition<P, Q, B, R, A, W> {
  const definition = { ...defaults, ...given } as Definition<P, Q, B, R, A, W>;
  const named = pathParams(definition.path).join();
  const declared = Object.keys(definition.params.shape).join();
  if (named !== declared) {
    const where = `${definition.method} ${definition.path}`;
    throw new TypeError(`${where}: the path names (${named}), params declares (${declared})`);
  }
  if (definition.idempotent && (definition.auth.length === 0 || definition.kind !== 'json'))
    throw new TypeError(`${definition.path}: only JSON endpoints with a credential can be repeated by key`);
  return Object.freeze(definition);
}

type Fixed = 'kind' | 'response' | 'example' | 'status';
type GivenPage<D extends Definition> = Omit<Given<D>, Fixed> & {
  readonly example?: Omit<Example, 'response'>;
};

/** A page: its handler gives `{ html }`, and `markdown` where the endpoint has it. */
function page<A extends Auth = never, P extends z.ZodObject = None, Q extends z.ZodObject = None>(
  given: GivenPage<Definition<P, Q, None, typeof html, A>>,
): Definition<P, Q, None, typeof html, A> {
  const example = { ...given.example, response: { html: '<!doctype html>...' } };
  return from<typeof html, A, P, Q>({
    ...given,
    kind: 'page',
    response: html,
    status: 200,
    example,
  } as never);
}

/** A redirect with status 302: its handler gives `{ location }`. */
function redirect<A extends Auth = never, P extends z.ZodObject = None, Q extends z.ZodObject = None>(
  given: GivenPage<Definition<P, Q, None, typeof location, A>>,
): Definition<P, Q, None, typeof location, A> {
  const example = { ...given.example, response: { location: 'https://pay.example.com/' } };
  const fixed = { kind: 'redirect', response: location, status: 302, example };
  return from<typeof location, A, P, Q>({ ...given, ...fixed } as never);
}

/** Text of the declared content type: its handler gives `{ text }`. */
function plain<A extends Auth = never, P extends z.ZodObject = None, Q extends z.ZodObject = None>(
  given: GivenPage<Definition<P, Q, None, typeof text, A>>,
): Definition<P, Q, None, typeof text, A> {
  const example = { ...given.example, response: { text: '...' } };
  return from<typeof text, A, P, Q>({
    ...given,
    kind: 'text',
    response: text,
    status: 200,
    example,
  } as never);
}

/** Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): its handler gives `{ events }`. */
function events<A extends Auth = never, P extends z.ZodObject = None, Q extends z.ZodObject = None>(
  given: GivenPage<Definition<P, Q, None, typeof stream, A>>,
): Definition<P, Q, None, typeof stream, A> {
  const fixed = { kind: 'stream', response: stream, status: 200, contentType: 'text/event-stream' };
  return from<typeof stream, A, P, Q>({
    ...given,
    ...fixed,
    example: { ...given.example, response: { events: [] } },
  } as never);
}

/** Bytes of the declared content type: its handler gives `{ bytes }`. */
function binary<A extends Auth = never, P extends z.ZodObject = None, Q extends z.ZodObject = None>(
  given: GivenPage<Definition<P, Q, None, typeof binaryBody, A>> & { readonly contentType: string },
): Definition<P, Q, None, typeof binaryBody, A> {
  const example = { ...given.example, response: { bytes: 'JVBERi0xLjMK' } };
  const fixed = { kind: 'binary', response: binaryBody, status: 200, example };
  return from<typeof binaryBody, A, P, Q>({ ...given, ...fixed } as never);
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
export function errorsOf(endpoint: Definition): ErrorName[] {
  return [
    ...new Set<ErrorName>([
      ...commonErrors,
      ...(endpoint.auth.length + endpoint.optionalAuth.length > 0 ? (['unauthorized'] as const) : []),
      ...(endpoint.auth.includes('session') ? (['forbidden'] as const) : []),
      ...(endpoint.auth.includes('explorer') && endpoint.method !== 'GET'
        ? (['demo_read_only'] as const)
        : []),
      ...(endpoint.idempotent ? (['conflict'] as const) : []),
      ...endpoint.errors,
    ]),
  ];
}

/** Whether the same request may be sent again when it is not known what became of it. */
export function isRepeatable({ idempotent, method }: Definition): boolean {
  return idempotent !== false || method === 'GET' || method === 'PUT' || method === 'DELETE';
}

export const Endpoint = { from, page, redirect, text: plain, events, binary };
