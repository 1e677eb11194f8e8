import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** What Node refuses before there is a request to handle. */
export type RefusalKind = 'headers_too_large' | 'request_timeout' | 'invalid_request';

/** What a refused caller gets, in the words of the server's API. */
export interface HttpRefusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: string;
}

export type RenderRefusal = (kind: RefusalKind, message: string) => HttpRefusal;

const sentences: Readonly<Record<RefusalKind, (limits: { maxHeaderSize: number }) => string>> = {
  headers_too_large: ({ maxHeaderSize }) => `The headers have more than ${maxHeaderSize} bytes.`,
  request_timeout: () => 'The request did not arrive in time.',
  invalid_request: () => 'This is not well-formed HTTP.',
};

/** Answers faults that Node's parser finds, and `Expect` headers, as the server answers all others. */
export function refuseBy(render: RenderRefusal, server: Server, limits: { maxHeaderSize: number }): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    const kind = kindOf(error.code);
    const { status, headers, body } = render(kind, sentences[kind](limits));
    const lines = Object.entries(closing(headers, body)).map(([name, value]) => `${name}: ${value}`);
    socket.end([`HTTP/1.1 ${status} Refused`, ...lines, '', body].join('\r\n'));
  });
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const { status, headers, body } = render(
      'invalid_request',
      'The header Expect is only understood as 100-continue.',
    );
    response.writeHead(status, closing(headers, body)).end(body);
  });
}

function closing(headers: HttpRefusal['headers'], body: string): Record<string, string | number> {
  return {
    'Content-Type': 'application/json; charset=utf-8',
    'Cache-Control': 'no-store',
    ...headers,
    Connection: 'close',
    'Content-Length': Buffer.byteLength(body),
  };
}

function kindOf(code: string | undefined): RefusalKind {
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers_too_large';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request_timeout';
  return 'invalid_request';
}
