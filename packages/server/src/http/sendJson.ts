import type { ServerResponse } from 'node:http';

/** Ends a response with JSON. Express would read the headers of request and response again to see what it cannot be here, a 304. */
export function sendJson(response: ServerResponse, body: object): void {
  const text = JSON.stringify(body);
  const length = Buffer.byteLength(text);
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.setHeader('Content-Length', length);
  // What is ASCII alone is the same in Latin-1, which costs less to write.
  response.end(text, length === text.length ? 'latin1' : 'utf8');
}
