import { IncomingMessage } from 'node:http';
import { PassThrough, pipeline, type Readable, type Writable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Connections } from './connections.js';
import type { Deadline } from './deadline.js';
import { exchange, type Incoming } from './exchange.js';
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
  /**
   * Writes the body into a sink as it was sent, compressed or not, and no faster than the sink takes it. Resolves at its end, and leaves
   * the sink open; rejects when either breaks off. Called once.
   */
  passTo(sink: Writable): Promise<void>;
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
  const options: Dispatcher.DispatchOptions = {
    method: method as Dispatcher.HttpMethod,
    path: url.pathname + url.search,
    headers: headers as Record<string, string | string[]>,
    body: body instanceof IncomingMessage ? kept(body) : (body ?? null),
  };
  const incoming = await exchange(open.to(url, address as string), options, deadline);
  return {
    status: incoming.status,
    headers: incoming.headers as IncomingStream['headers'],
    passTo: (sink) => passTo(incoming, sink),
    get trailers() {
      return incoming.trailers as IncomingStream['trailers'];
    },
  };
}

function passTo(incoming: Incoming, sink: Writable): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      sink.off('close', broken).off('error', broken).off('drain', incoming.resume);
    };
    const fail = (error: unknown) => {
      settle();
      reject(error);
    };
    const broken = (error?: Error) => {
      incoming.stop();
      fail(error ?? new Error('The body is not taken any more.'));
    };
    if (sink.destroyed) return broken();
    sink.on('close', broken).on('error', broken).on('drain', incoming.resume);
    incoming.giveTo({
      take: (chunk) => sink.write(chunk),
      end() {
        settle();
        resolve();
      },
      fail,
    });
  });
}

/** undici takes its socket from a request of this server whose body it was given, and whoever responds to it still needs that. */
function kept(body: IncomingMessage): Readable {
  return pipeline(body, new PassThrough(), () => undefined);
}
