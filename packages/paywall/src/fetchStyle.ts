import { IncomingMessage, ServerResponse, type OutgoingHttpHeaders } from 'node:http';
import { Socket } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { readLimited } from '@agentpay/protocol';
import type { Asking, Request as NodeRequest } from './Exchange.js';
import { setHeaders } from './headers.js';

/** What a server in the style of fetch does with a request. */
export type FetchHandler = (request: Request) => Response | Promise<Response>;

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

/** Bodies above `maxBodyBytes` count as too long to be bound, and reach the handler all the same. */
export async function bridge(request: Request, maxBodyBytes: number): Promise<Bridged> {
  const req = await nodeRequest(request, maxBodyBytes);
  const res = new ServerResponse(req);
  const response = captured(res, request.method);
  // Nobody may be waiting for it any more.
  response.catch(() => undefined);
  const leave = () => void res.destroy(request.signal.reason as Error);
  if (request.signal.aborted) leave();
  else request.signal.addEventListener('abort', leave, { once: true });
  return { req, res, response };
}

async function nodeRequest(request: Request, maxBodyBytes: number): Promise<NodeRequest> {
  const url = new URL(request.url);
  const headers: Record<string, string> = { host: url.host, ...Object.fromEntries(request.headers) };
  const req: NodeRequest = new IncomingMessage(new Socket());
  delete headers['transfer-encoding'];
  if (request.body) {
    const bytes = await readLimited(request.clone().body, maxBodyBytes);
    headers['content-length'] = String(bytes?.length ?? maxBodyBytes + 1);
    if (bytes) req.rawBody = bytes;
  }
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
    res.destroy = (error = new Error('The request could not be answered.')) => {
      reject(error);
      body.destroy();
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
  const headers: OutgoingHttpHeaders = Object.fromEntries(response.headers);
  const cookies = response.headers.getSetCookie();
  res.writeHead(response.status, cookies.length > 0 ? { ...headers, 'set-cookie': cookies } : headers);
  for await (const chunk of (response.body ?? []) as ReadableStream<Uint8Array>) {
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
