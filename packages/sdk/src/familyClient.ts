import * as api from '@agentpay/api';
import { AgentPayError } from '@agentpay/primitives';
import { readBytes, untilAborted } from '@agentpay/protocol';
import { ApiError } from './ApiError.js';
import { checkApiOptions } from './optionShapes.js';

/** Parameters, query and body of a call in one object, as the API reference has them: money in currency units, as number or text. */
type Input<E extends api.Endpoint> = In<E['params']> & Query<In<E['query']>> & In<E['body']>;
type In<S extends api.Endpoint['body']> = keyof S['shape'] extends never ? unknown : S['_zod']['input'];
type Query<T> = { readonly [Name in keyof T]: T[Name] | number | boolean };

type Call<E extends api.Endpoint> = (
  ...input: object extends Input<E> ? [Input<E>?] : [Input<E>]
) => Promise<api.ResponseOf<E>>;
type Calls<N> = { readonly [Verb in keyof N]: Call<Extract<N[Verb], api.Endpoint>> };
type Nouns<F extends api.Family> = { readonly [Name in keyof F['nouns']]: Calls<F['nouns'][Name]> };
export interface ApiClientOptions {
  /** Base URL. */
  readonly url: string;
  /** Key of the agent. */
  readonly apiKey?: string;
  /** Key of the operator, for what only operators may do. */
  readonly adminKey?: string;
  /** Keys of other kinds, such as `gateway` and `developer`. */
  readonly keys?: Readonly<Partial<Record<Exclude<api.Auth, 'agent' | 'admin' | 'session'>, string>>>;
  readonly fetch?: typeof globalThis.fetch;
  /** Deadline of a call in milliseconds. Default: 30 000. */
  readonly timeoutMs?: number;
}

const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** The calls of some families of the API, each under its name. */
export type FamilyClient<F extends Readonly<Record<string, api.Family>>> = {
  readonly [Id in keyof F]: Nouns<F[Id]>;
};

/**
 * The calls of some families of the API, for a program that should carry no more than it calls, such as a page.
 * @throws AgentPayError `invalid_request` for an option that is unknown or of another type
 * @example
 * ```ts
 * import { buyer } from '@agentpay/api';
 * import { createFamilyClient } from '@agentpay/sdk';
 *
 * const { buyer: calls } = createFamilyClient({ buyer }, { url: 'https://pay.example.com' });
 * const agents = () => calls.agents.list({ limit: 20 });
 * ```
 */
export function createFamilyClient<F extends Readonly<Record<string, api.Family>>>(
  families: F,
  options: ApiClientOptions,
): FamilyClient<F> {
  checkApiOptions(options);
  const bind =
    (endpoint: api.Endpoint) =>
    (input: object = {}) =>
      call(options, endpoint, input);
  const nounsOf = (family: api.Family) => mapValues(family.nouns, (noun) => mapValues(noun, bind));
  return mapValues<api.Family, object>(families, nounsOf) as unknown as FamilyClient<F>;
}

function mapValues<V, W>(object: Readonly<Record<string, V>>, change: (value: V) => W): Record<string, W> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

async function call<E extends api.Endpoint>(
  options: ApiClientOptions,
  endpoint: E,
  input: object,
): Promise<api.ResponseOf<E>> {
  const request = api.decodeInput(endpoint, input);
  const { path, body } = api.encodeRequest(endpoint, request as api.CallOf<E>);
  const { status, headers, bytes } = await exchange(options, endpoint, path, body);
  if (status === endpoint.status || (status >= 200 && status < 300)) {
    if (endpoint.kind === 'binary' && bytes) return { bytes } as unknown as api.ResponseOf<E>;
    try {
      return api.decodeResponse(endpoint, wireOf(endpoint, headers, bytes));
    } catch (cause) {
      throw unusable(endpoint, cause);
    }
  }
  const refusal = api.ErrorBody.safeParse(parse(textOf(bytes)));
  if (!refusal.success) throw unusable(endpoint, new Error(`Status ${status}.`));
  const wait = Number(headers.get('retry-after') ?? Number.NaN);
  throw new ApiError(status, refusal.data, Number.isFinite(wait) ? wait : undefined);
}

async function exchange(
  options: ApiClientOptions,
  endpoint: api.Endpoint,
  path: string,
  body: object | undefined,
) {
  const { url, fetch = globalThis.fetch, timeoutMs = 30_000 } = options;
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const sent = fetch(url.replace(/\/+$/, '') + path, {
      method: endpoint.method,
      headers: {
        accept: accepted[endpoint.kind],
        ...(body && { 'content-type': 'application/json' }),
        ...keyFor(options, endpoint),
      },
      ...(body && { body: JSON.stringify(body) }),
      redirect: endpoint.kind === 'redirect' ? 'manual' : 'error',
      signal,
    });
    const response = await untilAborted(sent, signal);
    const bytes = await readBytes(response.body, MAX_ANSWER_BYTES, signal);
    return { status: response.status, headers: response.headers, bytes };
  } catch (cause) {
    throw unusable(endpoint, cause);
  }
}

/** A success of each kind of endpoint as the object that its definition declares. */
function wireOf({ kind }: api.Endpoint, headers: Headers, bytes: Uint8Array | undefined): unknown {
  const text = textOf(bytes);
  const isJson = headers.get('content-type')?.includes('json') ?? false;
  if (kind === 'redirect') return { location: headers.get('location') };
  if (kind === 'text') return { text };
  if (kind === 'stream') return { events: eventsIn(text ?? '') };
  return kind === 'page' && !isJson ? { html: text } : parse(text);
}

/** What a call takes. */
const accepted: Readonly<Record<api.ResponseKind, string>> = {
  json: 'application/json',
  page: 'text/html, application/json',
  redirect: 'application/json',
  text: 'application/json',
  stream: 'text/event-stream, application/json',
  binary: 'application/json',
};

/** The events of a stream that has ended. */
function eventsIn(text: string): unknown[] {
  const data = text.split('\n').filter((line) => line.startsWith('data: '));
  return data.map((line) => JSON.parse(line.slice('data: '.length)) as unknown);
}

const textOf = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);

/** The first kind of credential that the endpoint takes and the client has. */
function keyFor({ apiKey, adminKey, keys }: ApiClientOptions, { auth, optionalAuth }: api.Endpoint) {
  const held: Partial<Record<api.Auth, string | undefined>> = { agent: apiKey, admin: adminKey, ...keys };
  for (const kind of [...auth, ...optionalAuth]) {
    const key = held[kind];
    const { header, scheme } = api.credentialRow(kind);
    if (key !== undefined) return { [header]: scheme === undefined ? key : `${scheme} ${key}` };
  }
  return {};
}

function parse(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

function unusable({ id }: api.Endpoint, cause: unknown): AgentPayError {
  return new AgentPayError('outcome_unknown', `The API gave no usable answer to ${id}.`, { cause });
}
