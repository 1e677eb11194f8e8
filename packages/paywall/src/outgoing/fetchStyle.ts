import { IncomingMessage, ServerResponse, type OutgoingHttpHeaders } from 'node:http';
import { Socket } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { AgentPayError } from '@agentpay/primitives';
import { readLimited } from '@agentpay/protocol';
import { NO_BODY, type RequestBody } from '../paid/RequestBody.js';
import type { Asking, Request as NodeRequest } from '../paid/Request.js';
import { setHeaders } from './setHeaders.js';

/** What a server in the style of fetch does with a request. */
export type FetchHandler = (request: Request) => Response | Promise<Response>;

/** A paywall, one of its charges, or its discovery, in the style of fetch. */
export interface Responding {
  respond(request: Request, handler: FetchHandler): Promise<Response>;
}

/** A fetch-style request in the shape of `node:http`, and the response to come. */
export interface Bridged {
  readonly req: NodeRequest;
  readonly res: ServerResponse;
  readonly response: Promise<Response>;
}

/** Statuses whose responses have no body. */
const BODILESS = new Set([101, 204, 205, 304]);

export function asking({ method, url }: Request): Asking {
  const { pathname, search } = new URL(url);
  return { method, url: pathname + search };
}

export function bridge(request: Request): Bridged {
  const req = nodeRequest(request);
  const res = new ServerResponse(req);
  const response = captured(res, request.method);
  // An unhandled rejection must not end the process when nothing awaits it any more.
  response.catch(() => undefined);
  const leave = () => void res.destroy(request.signal.reason as Error);
  if (request.signal.aborted) leave();
  else request.signal.addEventListener('abort', leave, { once: true });
  return { req, res, response };
}

/** The body, which the handler can read all the same, also one above `maxBytes`. */
export async function bodyOf(request: Request, maxBytes: number): Promise<RequestBody> {
  if (!request.body) return NO_BODY;
  if (request.bodyUsed || request.body.locked) return { kind: 'used' };
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) return { kind: 'too_large' };
  const bytes = await readLimited(request.clone().body, maxBytes).catch((cause: unknown) => {
    throw new AgentPayError('request_timeout', 'The request body broke off.', { cause });
  });
  if (!bytes) return { kind: 'too_large' };
  return bytes.length === 0 ? NO_BODY : { kind: 'raw', bytes };
}

/** Lets go of a body that no handler will read. */
export function discardBody(request: Request): void {
  if (request.body && !request.body.locked) request.body.cancel().catch(() => undefined);
}

function nodeRequest(request: Request): NodeRequest {
  const url = new URL(request.url);
  const headers: Record<string, string> = { host: url.host, ...Object.fromEntries(request.headers) };
  const req: NodeRequest = new IncomingMessage(new Socket());
  delete headers['transfer-encoding'];
  if (!request.body) delete headers['content-length'];
  else if (!(Number(headers['content-length']) > 0)) headers['transfer-encoding'] = 'chunked';
  Object.assign(req, asking(request));
  req.protocol = url.protocol.slice(0, -1);
  req.headers = headers;
  req.headersDistinct = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
  return req;
}

/** Redirects what is written on `res` into a response, which is there as soon as its head is. */
function captured(res: ServerResponse, method: string): Promise<Response> {
  const body = new PassThrough();
  body.on('drain', () => res.emit('drain'));
  body.on('error', () => undefined);
  body.on('close', () => {
    res.destroyed = true;
    res.emit('close');
  });
  return new Promise((resolve, reject) => {
    let begun = false;
    const begin = () => {
      res.writeHead(res.statusCode);
      if (begun) return;
      begun = true;
      Object.defineProperty(res, 'headersSent', { configurable: true, value: true });
      const bodiless = method === 'HEAD' || BODILESS.has(res.statusCode);
      const content = bodiless ? null : (Readable.toWeb(body) as globalThis.ReadableStream);
      resolve(new Response(content, { status: res.statusCode, headers: fetchHeaders(res.getHeaders()) }));
    };
    res.writeHead = ((status: number, headers: OutgoingHttpHeaders = {}) => {
      res.statusCode = status;
      setHeaders(res, headers);
      return res;
    }) as typeof res.writeHead;
    res.flushHeaders = () => res.writeHead(res.statusCode);
    res.write = ((chunk: Uint8Array | string, encoding: BufferEncoding = 'utf8') => {
      begin();
      return body.write(chunk, encoding);
    }) as typeof res.write;
    res.end = ((chunk?: Uint8Array | string) => {
      begin();
      body.end(chunk);
      return res;
    }) as typeof res.end;
    res.destroy = (error = new Error('There is no response to the request.')) => {
      // At once, as Node does: a handler that ends in this very turn is not to be charged for.
      res.destroyed = true;
      reject(error);
      body.destroy(error);
      return res;
    };
  });
}

function fetchHeaders(headers: OutgoingHttpHeaders): Headers {
  const given = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    for (const item of Array.isArray(value) ? value : [value])
      if (item !== undefined) given.append(name, String(item));
  }
  return given;
}

/** Writes a handler's response on `res`, with back-pressure. */
export async function writeResponse(res: ServerResponse, response: Response): Promise<void> {
  const { status } = response;
  // Response.error() has the status 0.
  if (!Number.isInteger(status) || status < 200 || status > 599)
    throw new TypeError(`The handler gave a response with the status ${status}.`);
  const headers: OutgoingHttpHeaders = Object.fromEntries(response.headers);
  const cookies = response.headers.getSetCookie();
  res.writeHead(status, cookies.length > 0 ? { ...headers, 'set-cookie': cookies } : headers);
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    if (res.destroyed) return;
    if (!res.write(chunk)) await drained(res);
  }
  res.end();
}

function drained(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      res.off('drain', done).off('close', done);
      resolve();
    };
    res.on('drain', done).on('close', done);
  });
}
