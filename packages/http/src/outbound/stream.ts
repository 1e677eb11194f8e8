import { IncomingMessage } from 'node:http';
import { PassThrough, pipeline, type Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Connections } from './connections.js';
import type { Deadline } from './deadline.js';
import type { Target } from './target.js';

/** A request that is passed on while it arrives. */
export interface StreamedRequest {
  readonly method: string;
  /** As they are sent; a `content-length` is kept. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Readable | undefined;
  /** For everything together, to the last byte of the response. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** A response whose body is still to come. */
export interface IncomingStream {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** As it was sent, compressed or not. */
  readonly body: Readable;
  /** Complete when the body has ended. */
  readonly trailers: Readonly<Record<string, string | readonly string[]>>;
}

/** Sends a request to the first address of its target: a body that is passed on cannot be sent twice. The deadline ends with the body. */
export async function openStream(
  open: Connections,
  { url, addresses: [address] }: Target,
  { method, headers, body }: StreamedRequest,
  deadline: Deadline,
): Promise<IncomingStream> {
  const response: Dispatcher.ResponseData = await open.to(url, address as string).request({
    method: method as Dispatcher.HttpMethod,
    path: url.pathname + url.search,
    headers: headers as Record<string, string | string[]>,
    body: body instanceof IncomingMessage ? kept(body) : (body ?? null),
    signal: deadline.signal,
  });
  response.body.once('close', () => deadline.end());
  return {
    status: response.statusCode,
    headers: given(response.headers),
    body: response.body,
    trailers: response.trailers as Record<string, string>,
  };
}

/** undici takes its socket from a request of this server whose body it was given, and whoever responds to it still needs that. */
function kept(body: IncomingMessage): Readable {
  return pipeline(body, new PassThrough(), () => undefined);
}

function given(headers: Dispatcher.ResponseData['headers']): IncomingStream['headers'] {
  const entries = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return Object.fromEntries(entries);
}
