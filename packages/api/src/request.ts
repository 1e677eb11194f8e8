import { AgentPayError } from '@agentpay/primitives';
import * as z from 'zod';
import type { Endpoint } from './Endpoint.js';

/** A request of an endpoint, decoded: amounts are bigint micro-units, times are Dates. */
export interface RequestOf<E extends Endpoint> {
  readonly params: z.output<E['params']>;
  readonly query: z.output<E['query']>;
  readonly body: z.output<E['body']>;
}

/** A response of an endpoint, decoded: of one that may wait for a decision either shape. */
export type ResponseOf<E extends Endpoint> =
  | z.output<E['response']>
  | (E['waiting'] extends z.ZodObject ? z.output<E['waiting']> : never);

/** A request as it travels. */
export interface WireRequest {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

/**
 * Reads a request from the wire. Unknown fields are dropped.
 * @throws AgentPayError `invalid_request` or `invalid_amount`, with the dotted path of the first field at fault in `param`.
 */
export function decodeRequest<E extends Endpoint>(endpoint: E, wire: WireRequest): RequestOf<E> {
  return {
    params: decode(endpoint.params, wire.params, 'path'),
    query: decode(endpoint.query, wire.query, 'query'),
    body: decode(endpoint.body, wire.body, 'body'),
  } as RequestOf<E>;
}

/**
 * Reads a call whose parameters, query and body are one object, as clients and tools give them. Texts of the query may be numbers and
 * booleans.
 * @throws AgentPayError as {@link decodeRequest}
 */
export function decodeInput<E extends Endpoint>(endpoint: E, input: object): RequestOf<E> {
  const entries = Object.entries(input).filter(([, value]) => value !== undefined);
  const texts = entries.map(([name, value]) => [name, typeof value === 'object' ? value : String(value)]);
  return decodeRequest(endpoint, { params: input, query: Object.fromEntries(texts), body: input });
}

/** Writes a response for the wire; fields that the endpoint does not declare never leave. */
export function encodeResponse<E extends Endpoint>(
  endpoint: E,
  response: ResponseOf<E>,
): Record<string, unknown> {
  const waiting = endpoint.waiting?.safeEncode(response as never);
  if (waiting?.success) return waiting.data as Record<string, unknown>;
  return z.encode(endpoint.response, response as never) as Record<string, unknown>;
}

/** The status of a success: 202 where it waits for a decision. */
export function statusOf({ waiting, status }: Endpoint, wire: unknown): number {
  return waiting?.safeDecode(wire as never).success ? 202 : status;
}

/** What a client gives to call an endpoint; fields with defaults may be left out. */
export interface CallOf<E extends Endpoint> {
  readonly params?: z.output<E['params']>;
  readonly query?: Partial<z.output<E['query']>>;
  readonly body?: Partial<z.output<E['body']>>;
}

/** Writes a call for the wire: the path with its query string, and the JSON body where the endpoint has one. */
export function encodeRequest<E extends Endpoint>(
  endpoint: E,
  call: CallOf<E>,
): { path: string; body?: Record<string, unknown> } {
  const params = z.encode(endpoint.params, (call.params ?? {}) as never) as Record<string, string>;
  const path = endpoint.path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(params[name] as string),
  );
  const query = z.encode(endpoint.query.partial(), (call.query ?? {}) as never) as Record<
    string,
    string | undefined
  >;
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, value);
  const target = search.size > 0 ? `${path}?${search}` : path;
  if (Object.keys(endpoint.body.shape).length === 0) return { path: target };
  return {
    path: target,
    body: z.encode(endpoint.body, (call.body ?? {}) as never) as Record<string, unknown>,
  };
}

/**
 * Reads a response from the wire. Fields that this version does not know are dropped.
 * @throws z.ZodError when the response has another shape.
 */
export function decodeResponse<E extends Endpoint>(endpoint: E, wire: unknown): ResponseOf<E> {
  const waiting = endpoint.waiting?.safeDecode(wire as never);
  if (waiting?.success) return waiting.data as ResponseOf<E>;
  return z.decode(endpoint.response, wire as never) as ResponseOf<E>;
}

type Part = 'path' | 'query' | 'body';

function decode(schema: z.ZodObject, wire: unknown, part: Part): unknown {
  const result = schema.safeDecode(wire as never);
  if (result.success) return result.data;
  const issue = result.error.issues[0] as z.core.$ZodIssue;
  const param = issue.path.map(String).join('.');
  const amount = issue.code === 'custom' && issue.params?.['kind'] === 'invalid_amount';
  const where = param ? `${name(part)} "${param}"` : `The ${part}`;
  throw new AgentPayError(amount ? 'invalid_amount' : 'invalid_request', `${where}: ${fault(issue, wire)}.`, {
    param: param || part,
  });
}

function name(part: Part): string {
  return { path: 'Path parameter', query: 'Query parameter', body: 'Field' }[part];
}

function fault(issue: z.core.$ZodIssue, wire: unknown): string {
  const missing = issue.path.length > 0 && at(wire, issue.path) === undefined;
  return missing ? 'is required' : (wording(issue) ?? issue.message.replace(/\.$/, ''));
}

const names: Readonly<Record<string, string>> = {
  object: 'an object',
  record: 'an object',
  array: 'a list',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

/** What zod words for programmers, where a schema says nothing itself. */
function wording(issue: z.core.$ZodIssue): string | undefined {
  if (!/^(Invalid input|Too )/.test(issue.message)) return undefined;
  if (issue.code === 'invalid_type') return `must be ${names[issue.expected] ?? issue.expected}`;
  if (issue.code === 'too_small') return bounded(issue.origin, `at least ${String(issue.minimum)}`);
  if (issue.code === 'too_big') return bounded(issue.origin, `at most ${String(issue.maximum)}`);
  return undefined;
}

function bounded(origin: string, bound: string): string {
  if (origin === 'string') return `must have ${bound} characters`;
  return origin === 'array' ? `must have ${bound} entries` : `must be ${bound}`;
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (inner as Record<PropertyKey, unknown> | null | undefined)?.[key],
    value,
  );
}
