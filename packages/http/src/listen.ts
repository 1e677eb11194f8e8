import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '@agentpay/primitives';
import { drainable } from './drain.js';
import { refuseBy, type RenderRefusal } from './refusals.js';

const limits = {
  /** Bytes of the request line and headers. */
  maxHeaderSize: 16 * 1024,
  /** Longer than the idle time of common load balancers, so that it is them who close. */
  keepAliveTimeout: 65_000,
  /** How often Node looks for requests that are late; its own default lets a slow one go on for twice its time. */
  connectionsCheckingInterval: 1_000,
};

export interface ListenOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly clock: Clock;
  /** What Node itself refuses: malformed HTTP, headers too large, a request that does not arrive in time. */
  readonly refuse: RenderRefusal;
  /** Answers requests that come over an open connection while the server closes; absent: they are served. */
  readonly whileClosing?: RequestListener;
  /** Whether Node refuses HTTP/1.1 without `Host`; false where the handler does. Default true. */
  readonly requireHostHeader?: boolean;
  /** Time for a whole request to arrive. Default 30 s, of which the headers may take half. */
  readonly requestTimeoutMs?: number;
}

export interface Listening {
  readonly server: Server;
  /** Where it listens, with the port it got. */
  readonly url: string;
  readonly port: number;
  /**
   * Accepts no more connections and lets requests under way finish; every response says `Connection: close` from now on. After
   * `graceMs` what is left is cut off. A second call can only shorten the grace.
   */
  close(graceMs: number): Promise<void>;
}

/** Serves `handle` over HTTP with bounded headers and times. @throws Error with one sentence when the port cannot be used */
export async function listen(handle: RequestListener, options: ListenOptions): Promise<Listening> {
  const { host, port, clock, requestTimeoutMs = 30_000, requireHostHeader = true } = options;
  const server = createServer({
    ...limits,
    requireHostHeader,
    requestTimeout: requestTimeoutMs,
    headersTimeout: requestTimeoutMs / 2,
  });
  const drain = drainable(server, clock);
  server.on('request', (request, response) =>
    drain.draining() && options.whileClosing
      ? options.whileClosing(request, response)
      : handle(request, response),
  );
  refuseBy(options.refuse, server, limits);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(portFault(cause, port)));
    server.listen(port, host, resolve);
  });
  server.removeAllListeners('error');
  const address = server.address() as AddressInfo;
  return { server, url: urlOf(address), port: address.port, close: drain.close };
}

/** The fault keeps its code, and names the port. */
function portFault(cause: NodeJS.ErrnoException, port: number): Error {
  const why: Readonly<Record<string, string>> = {
    EADDRINUSE: `Port ${port} is taken; give another one in PORT, or 0 for any free one.`,
    EACCES: `Port ${port} needs more rights than this process has.`,
  };
  const sentence = why[cause.code ?? ''] ?? `Port ${port} cannot be used: ${cause.message}.`;
  return Object.assign(new Error(sentence, { cause }), { code: cause.code, port });
}

function urlOf({ address, family, port }: AddressInfo): string {
  const host = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? 'localhost' : address;
  return `http://${family === 'IPv6' && host.includes(':') ? `[${host}]` : host}:${port}`;
}
