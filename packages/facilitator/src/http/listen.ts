import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '@agentpay/primitives';

const limits = {
  /** Bytes of the request line and headers. */
  maxHeaderSize: 16 * 1024,
  /** Time to receive the headers, and the whole request. */
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  /** Longer than the idle time of common load balancers, so that it is them who close. */
  keepAliveTimeout: 65_000,
};

export interface Listening {
  readonly url: string;
  readonly port: number;
  /** Accepts no more, lets requests under way finish, and cuts those that take longer than `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** Serves `handle` over HTTP with bounded headers and times. @throws Error with one sentence when the port cannot be used */
export async function listen(
  handle: RequestListener,
  at: { host: string; port: number; clock: Clock },
): Promise<Listening> {
  const server = createServer(limits, (request, response) => {
    response.once('close', () => {
      // The client would keep the connection for its next request.
      if (!server.listening) server.closeIdleConnections();
    });
    if (server.listening) return handle(request, response);
    refuse(response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'it is taken' : error.message;
      reject(new Error(`Port ${at.port} cannot be used: ${why}.`));
    });
    server.listen(at.port, at.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const host = at.host.includes(':') ? `[${at.host}]` : at.host;
  const url = `http://${host === '0.0.0.0' || host === '[::]' ? '127.0.0.1' : host}:${port}`;
  return { url, port, close: (graceMs) => closeServer(server, graceMs, at.clock) };
}

/** A request that comes over an old connection while the server ends. */
function refuse(response: ServerResponse): void {
  const body = { code: 'unavailable', error: 'The facilitator is ending; nothing was taken.' };
  response
    .writeHead(503, { 'Content-Type': 'application/json', 'Retry-After': '1', Connection: 'close' })
    .end(JSON.stringify(body));
}

function closeServer(server: Server, graceMs: number, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.timer(graceMs, () => server.closeAllConnections());
    server.close(() => {
      cancel();
      resolve();
    });
    server.closeIdleConnections();
  });
}
