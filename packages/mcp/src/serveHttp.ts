import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';

/**
 * Answers one POST of the Streamable HTTP transport (https://modelcontextprotocol.io/specification/2025-06-18/basic/transports). No state
 * is kept between requests, so that any replica can answer any of them.
 * @param body the parsed JSON of the request
 */
export async function serveHttp(
  server: Server,
  request: IncomingMessage,
  response: ServerResponse,
  body: unknown,
): Promise<void> {
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
  response.once('close', () => void server.close());
  // The transport's optional properties are typed without exactOptionalPropertyTypes.
  await server.connect(transport as Parameters<Server['connect']>[0]);
  await transport.handleRequest(request, response, body);
}
