import { lookup } from 'node:dns/promises';
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock, FetchOut, IncomingResponse } from '@agentpay/primitives';
import { OutboundError } from '@agentpay/primitives';
import type { Dispatcher, Pool } from 'undici';
import { readBody } from './body.js';
import { connections, type Connections } from './connections.js';
import { startDeadline, type Deadline } from './deadline.js';
import { exchange } from './exchange.js';
import { asFault } from './faults.js';
import { redirected } from './redirect.js';
import { openStream, type IncomingStream, type StreamedRequest } from './stream.js';
import { assertWritten, readTarget, resolveTarget, type Resolve, type Target } from './target.js';
import { complete, type WholeRequest } from './wholeRequest.js';

export interface OutboundOptions {
  /**
   * Hosts that may lead to this machine and its networks, for development: `localhost` or `127.0.0.1:4021`. Link-local and metadata
   * addresses are never asked.
   */
  readonly allowHosts?: readonly string[];
  readonly clock: Clock;
  /** Connections to one server at the same time: 16 when absent. */
  readonly perServer?: number;
  /** The system's resolver when absent. */
  readonly resolve?: Resolve;
}

/** Requests to servers that somebody else named. */
export interface Outbound {
  readonly fetchOut: FetchOut;
  /**
   * Sends a request whose bodies pass through as they are, both ways, and gives the response once its headers are there. Redirects are
   * not followed. No more is read than the reader of the body takes.
   * @throws OutboundError
   */
  streamOut(url: string, request: StreamedRequest): Promise<IncomingStream>;
  /** Refuses a URL by what is written in it, without looking a name up. @throws OutboundError `url_refused`, `address_refused` */
  assertAllowed(url: string): void;
  close(): Promise<void>;
}

const MAX_REDIRECTS = 5;

/**
 * The one way out. A name is looked up once, every one of its addresses must be public, and the connection is made to one of those;
 * the same for each redirect. Nothing that the caller sends for one origin goes to another. Time, size after decompression and
 * redirects are bounded.
 *
 * @example
 * const { fetchOut } = outbound({ clock: systemClock });
 * const { status, body } = await fetchOut('https://api.example.com/hook', { method: 'POST', body: '{}', timeoutMs: 5_000 });
 */
export function outbound({
  allowHosts = [],
  clock,
  perServer,
  resolve = systemResolve,
}: OutboundOptions): Outbound {
  const open = connections(perServer);
  const isAllowed = (url: URL) => allowHosts.includes(url.hostname) || allowHosts.includes(url.host);

  async function follow(text: string, first: WholeRequest, deadline: Deadline): Promise<IncomingResponse> {
    let [url, request] = [readTarget(text), first];
    for (let hops = 0; ; hops++) {
      const target = await deadline.within(resolveTarget(url, { resolve, isAllowed }), false);
      const response = await send(open, target, request, deadline);
      const next = request.maxRedirects === 0 ? undefined : redirected(url, request, response);
      if (!next) return response;
      if (hops >= Math.min(request.maxRedirects, MAX_REDIRECTS))
        throw new OutboundError('redirect_refused', 'The server redirects too often.', true);
      ({ url, request } = next);
    }
  }

  return {
    async fetchOut(url, { signal, ...given } = {}) {
      const request = complete(given);
      const deadline = startDeadline(clock, request.timeoutMs, signal);
      try {
        return await follow(url, request, deadline);
      } finally {
        deadline.end();
      }
    },
    async streamOut(url, request) {
      const { timeoutMs, receiver } = request;
      const deadline = startDeadline(clock, timeoutMs, undefined);
      receiver.once('close', deadline.giveUp);
      if (receiver.destroyed) deadline.giveUp();
      try {
        const checked = resolveTarget(readTarget(url), { resolve, isAllowed });
        return await openStream(open, await deadline.within(checked, false), request, deadline);
      } catch (error) {
        deadline.end();
        throw asFault(error, deadline);
      }
    },
    assertAllowed: (url) => assertWritten(url, isAllowed),
    close: () => open.close(),
  };
}

async function systemResolve(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** Tries the addresses in turn, as long as no connection comes about. */
async function send(
  open: Connections,
  { url, addresses }: Target,
  request: WholeRequest,
  deadline: Deadline,
): Promise<IncomingResponse> {
  for (const [index, address] of addresses.entries()) {
    try {
      return await ask(open.to(url, address), url, request, deadline);
    } catch (error) {
      const fault = asFault(error, deadline);
      if (fault.fault !== 'connection_failed' || fault.sent || index === addresses.length - 1) throw fault;
    }
  }
  throw new OutboundError('connection_failed', 'The server has no address.', false);
}

async function ask(
  pool: Pool,
  url: URL,
  { method, headers, body, maxBytes, longer }: WholeRequest,
  deadline: Deadline,
): Promise<IncomingResponse> {
  const options: Dispatcher.DispatchOptions = {
    method: method as Dispatcher.HttpMethod,
    path: url.pathname + url.search,
    headers: { 'user-agent': 'AgentPay', 'accept-encoding': 'gzip, br', ...lowerCased(headers) },
    body: body ?? null,
  };
  const incoming = await exchange(pool, options, deadline);
  const shown = joined(incoming.headers);
  const encoding = method === 'HEAD' ? undefined : shown['content-encoding'];
  return {
    status: incoming.status,
    headers: shown,
    body: await readBody(incoming, { encoding, maxBytes, longer }),
    url: url.href,
  };
}

/** Headers that say how a message is carried are ours to write. */
const CARRIED = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'upgrade',
  'keep-alive',
  'te',
]);

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const given of Object.keys(headers)) {
    const name = given.toLowerCase();
    if (!CARRIED.has(name)) kept[name] = headers[given] as string;
  }
  return kept;
}

function joined(headers: IncomingHttpHeaders): Record<string, string> {
  const shown: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) shown[name] = Array.isArray(value) ? value.join(', ') : value;
  return shown;
}
