import * as api from '@agentpay/api';
import { readBytes, untilAborted } from '@agentpay/protocol';
import type { ApiSettings } from './ApiSettings.js';

/** One attempt of a call, as it goes out. */
export interface ApiRequest {
  readonly endpoint: api.Endpoint;
  readonly path: string;
  readonly body: object | undefined;
  readonly key: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
}

/** What came of it: a response, or why there was none. */
export interface ApiReply {
  readonly status?: number;
  readonly headers?: Headers;
  /** Undefined when the body is too long. */
  readonly bytes?: Uint8Array | undefined;
  readonly error?: unknown;
}

const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;

/** Sends a request of the API and reads its response. One deadline stands over both. Never rejects. */
export async function sendCall(settings: ApiSettings, request: ApiRequest): Promise<ApiReply> {
  const { url, fetch, clock } = settings;
  const { endpoint, path, body, key, timeoutMs } = request;
  const late = new AbortController();
  const noResponse = () => new DOMException(`No response within ${timeoutMs} ms.`, 'TimeoutError');
  const cancel = clock.timer(timeoutMs, () => late.abort(noResponse()));
  const signal = request.signal ? AbortSignal.any([request.signal, late.signal]) : late.signal;
  try {
    const sent = fetch(url + path, {
      method: endpoint.method,
      headers: {
        accept: accepted[endpoint.kind],
        ...(body && { 'content-type': 'application/json' }),
        ...(key !== undefined && { 'idempotency-key': key }),
        ...credentialFor(settings, endpoint),
      },
      ...(body && { body: JSON.stringify(body) }),
      redirect: endpoint.kind === 'redirect' ? 'manual' : 'error',
      signal,
    });
    const response = await untilAborted(sent, signal);
    const { status, headers } = response;
    const bytes = await readBytes(response.body, MAX_RESPONSE_BYTES, signal);
    return { status, headers, bytes };
  } catch (error) {
    return { error };
  } finally {
    cancel();
  }
}

/** The first kind of credential that the endpoint takes and the client has. */
function credentialFor({ keys }: ApiSettings, { auth, optionalAuth }: api.Endpoint): Record<string, string> {
  for (const kind of [...auth, ...optionalAuth]) {
    const key = keys[kind];
    const { header, scheme } = api.credentialRow(kind);
    if (key !== undefined) return { [header]: scheme === undefined ? key : `${scheme} ${key}` };
  }
  return {};
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
