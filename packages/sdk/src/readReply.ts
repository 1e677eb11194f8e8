import * as api from '@agentpay/api';
import { AgentPayError } from '@agentpay/primitives';
import { ApiError } from './ApiError.js';
import { requestIdIn } from './requestIdIn.js';
import type { ApiReply } from './sendCall.js';

const requestIds = new WeakMap<object, string>();

/**
 * The id of the request that gave this result, for questions about it; undefined for what is no result of a call.
 * @example
 * ```ts
 * import { createApiClient, requestIdOf } from '@agentpay/sdk';
 *
 * const api = createApiClient({ url: 'https://pay.example.com', apiKey: 'pk_test_1' });
 * const requestId = async () => requestIdOf(await api.payments.list());
 * ```
 */
export function requestIdOf(result: object): string | undefined {
  return requestIds.get(result);
}

/**
 * The result of a call, as its endpoint declares it.
 * @throws ApiError when the API refused; AgentPayError `outcome_unknown` without a usable response
 */
export function readReply<E extends api.Endpoint>(endpoint: E, reply: ApiReply): api.ResponseOf<E> {
  const { status, headers, bytes, error } = reply;
  if (status === undefined) throw unusable(endpoint, error);
  const text = bytes && new TextDecoder().decode(bytes);
  if (status === endpoint.status || (status >= 200 && status < 300)) {
    const result = resultOf(endpoint, reply, text);
    const requestId = requestIdIn(headers);
    if (requestId !== undefined) requestIds.set(result, requestId);
    return result;
  }
  const refusal = api.ErrorBody.safeParse(parsed(text));
  if (!refusal.success) throw unusable(endpoint, new Error(`Status ${status}.`));
  const wait = Number(headers?.get('retry-after') ?? Number.NaN);
  throw new ApiError(status, refusal.data, Number.isFinite(wait) ? wait : undefined);
}

type Result<E extends api.Endpoint> = api.ResponseOf<E> & object;

function resultOf<E extends api.Endpoint>(
  endpoint: E,
  { headers, bytes }: ApiReply,
  text: string | undefined,
): Result<E> {
  if (endpoint.kind === 'binary' && bytes) return { bytes } as unknown as Result<E>;
  try {
    return api.decodeResponse(endpoint, wireOf(endpoint, headers, text)) as Result<E>;
  } catch (cause) {
    throw unusable(endpoint, cause);
  }
}

/** A success of each kind of endpoint as the object that its definition declares. */
function wireOf({ kind }: api.Endpoint, headers: Headers | undefined, text: string | undefined): unknown {
  const isJson = headers?.get('content-type')?.includes('json') ?? false;
  if (kind === 'redirect') return { location: headers?.get('location') };
  if (kind === 'text') return { text };
  if (kind === 'stream') return { events: eventsIn(text ?? '') };
  return kind === 'page' && !isJson ? { html: text } : parsed(text);
}

/** The events of a stream that has ended. */
function eventsIn(text: string): unknown[] {
  const data = text.split('\n').filter((line) => line.startsWith('data: '));
  return data.map((line) => JSON.parse(line.slice('data: '.length)) as unknown);
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

function unusable({ id }: api.Endpoint, cause: unknown): AgentPayError {
  return new AgentPayError('outcome_unknown', `The API gave no usable response to ${id}.`, { cause });
}
