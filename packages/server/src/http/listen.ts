import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { familyAt, renderError } from '@agentpay/api';
import { AgentPayError, newId, type Clock, type ErrorName, type Random } from '@agentpay/primitives';

const limits = {
  // Our own check answers with the error body.
  requireHostHeader: false,
  /** Bytes of the request line and headers. */
  maxHeaderSize: 16 * 1024,
  /** Time to receive the headers, and the whole request. */
  headersTimeout: 15_000,
  requestTimeout: 30_000,
  /** Longer than the idle time of common load balancers, so that it is them who close. */
  keepAliveTimeout: 65_000,
};

export interface Listening {
  readonly server: Server;
  /** Where it listens, with the port it got. */
  readonly url: string;
  /** Accepts no more, lets requests under way finish, and cuts those that take longer than `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** Serves `handle` over HTTP with bounded headers and times; what Node itself refuses is answered with the one error body. */
export async function listen(
  handle: RequestListener,
  { host, port, clock, random }: { host: string; port: number; clock: Clock; random: Random },
): Promise<Listening> {
  const server = createServer(limits, handle);
  closeOnceIdle(server);
  const source: Source = { clock, random };
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) =>
    refuseSocket(error, socket, source),
  );
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) =>
    refuseExpectation(response, source),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return { server, url: urlOf(server), close: (graceMs) => closeServer(server, graceMs, clock) };
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  const any = address === '0.0.0.0' || address === '::';
  return `http://${any ? 'localhost' : family === 'IPv6' ? `[${address}]` : address}:${port}`;
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

/** A connection that falls idle while the server closes is closed, too: its client would keep it open for the next request. */
function closeOnceIdle(server: Server): void {
  server.on('request', (_request, response: ServerResponse) => {
    response.once('close', () => {
      if (!server.listening) server.closeIdleConnections();
    });
  });
}

type Source = { clock: Clock; random: Random };

/** Faults that Node's parser finds before there is a request. */
function refuseSocket(error: NodeJS.ErrnoException, socket: Socket, source: Source): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const { status, headers, text } = render(kindOf(error.code), source);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.end([`HTTP/1.1 ${status} Refused`, ...lines, '', text].join('\r\n'));
}

function refuseExpectation(response: ServerResponse, source: Source): void {
  const { status, headers, text } = render(
    'invalid_request',
    source,
    'The header Expect is only understood as 100-continue.',
  );
  response.writeHead(status, headers).end(text);
}

function kindOf(code: string | undefined): ErrorName {
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers_too_large';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request_timeout';
  return 'invalid_request';
}

const sentences: Partial<Record<ErrorName, string>> = {
  headers_too_large: `The headers have more than ${limits.maxHeaderSize} bytes.`,
  request_timeout: 'The request did not arrive in time.',
  invalid_request: 'This is not well-formed HTTP.',
};

function render(kind: ErrorName, source: Source, message = sentences[kind] ?? kind) {
  const requestId = newId('request', source);
  const { status, body } = renderError(familyAt('/'), new AgentPayError(kind, message), requestId);
  const text = JSON.stringify(body);
  const headers = {
    Connection: 'close',
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Request-Id': requestId,
  };
  return { status, headers, text };
}
