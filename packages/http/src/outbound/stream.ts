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
  /** Whom the response is for. When this closes before its end, the request is given up. */
  readonly receiver: Writable;
}

/** A response whose body is still to come. */
export interface IncomingStream {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /**
   * Writes the body to the receiver as it was sent, compressed or not, and no faster than the receiver takes it. Resolves at its end, and
   * leaves the receiver open; called once.
   * @throws OutboundError `aborted` when the receiver closed
   */
  pass(): Promise<void>;
  /** Complete when the body has ended. */
  readonly trailers: Readonly<Record<string, string | readonly string[]>>;
}

/** Sends a request to the first address of its target: a body that is passed on cannot be sent twice. The deadline ends with the body. */
export async function openStream(
  open: Connections,
  { url, addresses: [address] }: Target,
  { method, headers, body, receiver }: StreamedRequest,
  deadline: Deadline,
): Promise<IncomingStream> {
  const options: Dispatcher.DispatchOptions = {
    method: method as Dispatcher.HttpMethod,
    path: url.pathname + url.search,
    headers: headers as Record<string, string | string[]>,
    body: body instanceof IncomingMessage ? kept(body) : (body ?? null),
  };
  const incoming = await exchange(open.to(url, address as string), options, deadline, deadline.end);
  return {
    status: incoming.status,
    headers: incoming.headers as IncomingStream['headers'],
    pass: () => pass(incoming, receiver, deadline),
    get trailers() {
      return incoming.trailers as IncomingStream['trailers'];
    },
  };
}

function pass(incoming: Incoming, receiver: Writable, deadline: Deadline): Promise<void> {
  return new Promise((resolve, reject) => {
    const settled = (settle: () => void) => {
      receiver.off('error', deadline.giveUp);
      settle();
    };
    receiver.on('error', deadline.giveUp);
    incoming.giveTo({
      take(chunk) {
        const takesMore = receiver.write(chunk);
        if (!takesMore) receiver.once('drain', incoming.resume);
        return takesMore;
      },
      end: () => settled(resolve),
      fail: (error) => settled(() => reject(error)),
    });
  });
}

/** undici takes its socket from a request of this server whose body it was given, and whoever responds to it still needs that. */
function kept(body: IncomingMessage): Readable {
  return pipeline(body, new PassThrough(), () => undefined);
}
