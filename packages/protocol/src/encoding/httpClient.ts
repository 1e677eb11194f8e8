import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { systemClock } from '@agentpay/primitives';
import { NO_CONNECTION } from './wasNotSent.js';

/** A request with a body that is text, and its limits. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Milliseconds until the whole response must be there. */
  readonly timeoutMs: number;
  /** Longest response that is read, in bytes. */
  readonly maxBytes: number;
}

export interface HttpReply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

export type HttpClient = (url: URL, request: HttpRequest) => Promise<HttpReply>;

/** Unused connections are closed before servers usually close them, and one that does not come about is given up. */
const IDLE_MS = 4_000;

/**
 * HTTP/1.1 over connections that are kept open; nothing is followed, unpacked or repeated. For calls that are made for every payment:
 * `fetch` takes several times the processor's time for one. Rejects with the errors of Node's sockets, when the response is not there in
 * time, and when it is longer than it may be.
 */
export function httpClient(): HttpClient {
  const kept = { keepAlive: true, timeout: IDLE_MS };
  const plain = { request: httpRequest, agent: new HttpAgent(kept) };
  const tls = { request: httpsRequest, agent: new HttpsAgent(kept) };

  return (url, { method, headers, body, timeoutMs, maxBytes }) =>
    new Promise((resolve, reject) => {
      const { request, agent } = url.protocol === 'https:' ? tls : plain;
      const fail = (error: unknown) => {
        cancel();
        reject(error);
      };
      const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
      const outgoing = request(url, { method, headers: { ...headers, ...length }, agent }, (incoming) => {
        readText(incoming, maxBytes).then((text) => {
          cancel();
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text });
        }, fail);
      });
      const giveUp = () => {
        reject(new Error(`No response within ${timeoutMs} ms.`));
        outgoing.destroy();
      };
      // An AbortSignal costs the processor many times as much.
      const cancel = systemClock.timer(timeoutMs, giveUp, { background: true });
      outgoing.on('error', fail);
      // Of the socket; a slow response is no reason to give up before its time.
      outgoing.on('timeout', () => {
        if (outgoing.socket?.connecting)
          outgoing.destroy(Object.assign(new Error('There is no connection.'), { code: NO_CONNECTION }));
      });
      outgoing.end(body);
    });
}

function readText(incoming: IncomingMessage, maxBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes) return void chunks.push(chunk);
      incoming.destroy();
      reject(new Error('The response is too long.'));
    });
    incoming.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    incoming.on('error', reject);
  });
}
