import { AgentPayError } from '@agentpay/primitives';
import { base64url, readBytes, sha256 } from '@agentpay/protocol';

/** What fetch takes first. */
export type FetchInput = Parameters<typeof globalThis.fetch>[0];

/** A request that can be sent more than once. */
export interface BufferedRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body: Uint8Array | undefined;
  readonly redirect: Request['redirect'];
  readonly signal: AbortSignal | undefined;
  /** Further options that the caller gave to fetch. */
  readonly options: RequestInit;
  /** The same for the same method, URL and body. */
  readonly key: string;
}

/**
 * Reads what fetch takes, the body to its end.
 * @throws TypeError as fetch does; AgentPayError `payload_too_large` when the body has more than `maxBytes`
 */
export async function bufferRequest(
  input: FetchInput,
  init: RequestInit = {},
  maxBytes: number,
): Promise<BufferedRequest> {
  // `duplex` is needed for a body that is a stream.
  const request = new Request(input, { ...init, duplex: 'half' } as RequestInit);
  const { url, method, headers, redirect } = request;
  const signal = signalOf(input, init);
  const body = request.body === null ? undefined : await readBytes(request.body, maxBytes, signal);
  if (request.body !== null && body === undefined) {
    throw new AgentPayError(
      'payload_too_large',
      `The request body has more than ${maxBytes} bytes, which are kept to be sent again.`,
    );
  }
  const target = new TextEncoder().encode(`${method} ${url}\n`);
  const key = [target, body ?? new Uint8Array()].map((part) => base64url(sha256(part))).join('.');
  return { url, method, headers, body, redirect, signal, options: init, key };
}

// The caller's own signal: the one of the request made here is gone when that is collected.
function signalOf(input: FetchInput, init: RequestInit): AbortSignal | undefined {
  return init.signal ?? (typeof input === 'object' && 'signal' in input ? input.signal : undefined);
}

/** What is sent otherwise than the caller said. */
export interface SendOptions {
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly redirect?: Request['redirect'];
  readonly signal?: AbortSignal | undefined;
}

/** Sends the request, with further headers and another redirect mode or signal where given. */
export function send(
  fetch: typeof globalThis.fetch,
  request: BufferedRequest,
  {
    url = request.url,
    headers: extra = {},
    redirect = request.redirect,
    signal = request.signal,
  }: SendOptions,
): Promise<Response> {
  const headers = new Headers(request.headers);
  for (const [name, value] of Object.entries(extra)) headers.set(name, value);
  const { options, method } = request;
  // A blob, because Node 20 fails to send bytes a second time after a redirect.
  const body = request.body === undefined ? null : new Blob([request.body]);
  return fetch(url, { ...options, method, headers, body, redirect, signal: signal ?? null });
}
