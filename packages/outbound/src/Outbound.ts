import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { AgentPayError, type Clock } from '@agentpay/primitives';
import { Agent, type Dispatcher } from 'undici';
import { isListedHost, isOpenAddress, literalAddress, type AddressRules } from './Address.js';
import { decode, readBody } from './body.js';
import { OutboundError } from './OutboundError.js';

export interface OutboundOptions {
  readonly clock: Clock;
  readonly rules?: AddressRules;
  /** Resolves names. Default: the system's. */
  readonly lookup?: LookupFunction;
}

export interface OutboundRequest {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | undefined;
  /** Milliseconds until the whole response must be there, redirects included. */
  readonly timeoutMs: number;
  /** Longest response, in bytes, after decompression. */
  readonly maxBytes: number;
  /** Redirects that are followed, GET and HEAD only. Default 0: the redirect is the response. */
  readonly maxRedirects?: number;
}

export interface OutboundResponse {
  /** Where it came from, after redirects. */
  readonly url: string;
  readonly status: number;
  /** By lower-case name; what came several times is joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Calls addresses that somebody else named. */
export interface Outbound {
  /**
   * Refuses a URL by what it says, without a look at the network.
   * @throws AgentPayError `invalid_request` with reason `forbidden_address`
   */
  assertAllowed(url: string, param?: string): void;
  /** @throws OutboundError */
  request(request: OutboundRequest): Promise<OutboundResponse>;
  close(): Promise<void>;
}

const CONNECT_MS = 5_000;
/** Headers that go along to another origin; everything else may be a secret. */
const PORTABLE = new Set(['accept', 'accept-language', 'user-agent']);

/**
 * A client that a caller can't turn against the network it runs in: a name is resolved once, the very address that was checked is
 * connected to, and every redirect is checked anew.
 *
 * @example
 * const outbound = createOutbound({ clock: systemClock });
 * const { status, body } = await outbound.request({ url: 'https://example.com/', timeoutMs: 10_000, maxBytes: 65_536 });
 */
export function createOutbound({ clock, rules = {}, lookup = systemLookup }: OutboundOptions): Outbound {
  const agent = new Agent({
    connect: { timeout: CONNECT_MS, lookup: guarded(lookup, rules) },
    connections: 64,
    keepAliveTimeout: 4_000,
    maxResponseSize: -1,
  });
  return {
    assertAllowed(url, param = 'url') {
      const fault = faultOf(url, rules);
      if (fault)
        throw new AgentPayError('invalid_request', `${param} ${fault}.`, {
          param,
          reason: 'forbidden_address',
        });
    },
    request: (request) => call(agent, rules, clock, request),
    close: () => agent.close(),
  };
}

/** Why a URL must not be called; undefined when it may. */
function faultOf(text: string, rules: AddressRules): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) return 'is not an http(s) URL';
  if (url.username || url.password) return 'has a user name or password';
  const address = literalAddress(url.hostname);
  if (address === undefined) return isLocalName(url.hostname, rules) ? 'names this machine' : undefined;
  if (isOpenAddress(address, rules, isListedHost(url.hostname, rules))) return undefined;
  return 'is not the address of a public host';
}

function isLocalName(hostname: string, rules: AddressRules): boolean {
  const local = /(^|\.)localhost\.?$/i.test(hostname);
  return local && !rules.loopback && !isListedHost(hostname, rules);
}

/** Resolves a name and gives the addresses only when all of them may be called: what is checked is what is connected to. */
function guarded(lookup: LookupFunction, rules: AddressRules): LookupFunction {
  return (hostname, options, done) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return done(error, '', 0);
      const addresses = found as unknown as LookupAddress[];
      const listed = isListedHost(hostname, rules);
      const closed = addresses.find(({ address }) => !isOpenAddress(address, rules, listed));
      const [first] = addresses;
      if (closed || !first) {
        return done(new OutboundError('forbidden_address', `${hostname} is not a public host.`), '', 0);
      }
      if (options.all)
        return (done as unknown as (error: null, all: LookupAddress[]) => void)(null, addresses);
      return done(null, first.address, first.family);
    });
  };
}

async function call(
  agent: Agent,
  rules: AddressRules,
  clock: Clock,
  request: OutboundRequest,
): Promise<OutboundResponse> {
  const stop = new AbortController();
  const cancel = clock.timer(request.timeoutMs, () => stop.abort(), { background: true });
  try {
    return await follow(agent, rules, request, stop.signal);
  } catch (error) {
    throw explained(error, request, stop.signal);
  } finally {
    cancel();
  }
}

async function follow(
  agent: Agent,
  rules: AddressRules,
  request: OutboundRequest,
  signal: AbortSignal,
): Promise<OutboundResponse> {
  const { method = 'GET', maxRedirects = 0, maxBytes } = request;
  let headers = { ...request.headers };
  let url = request.url;
  for (let redirects = 0; ; redirects++) {
    const fault = faultOf(url, rules);
    if (fault) throw new OutboundError('forbidden_address', `${hostOf(url)} ${fault}.`);
    const response = await agent.request({
      origin: new URL(url).origin,
      path: new URL(url).pathname + new URL(url).search,
      method: method as Dispatcher.HttpMethod,
      headers: { 'accept-encoding': 'identity', ...headers },
      body: request.body ?? null,
      signal,
    });
    const next = redirectOf(response, url);
    const followed = next !== undefined && maxRedirects > 0 && /^(GET|HEAD)$/i.test(method);
    if (!followed) {
      const head = joined(response.headers);
      const raw = await readBody(response.body, maxBytes);
      return {
        url,
        status: response.statusCode,
        headers: head,
        body: decode(raw, head['content-encoding'], maxBytes),
      };
    }
    response.body.on('error', () => undefined).destroy();
    if (redirects >= maxRedirects)
      throw new OutboundError('redirects', `${hostOf(request.url)} redirects too often.`);
    if (new URL(next).origin !== new URL(url).origin) headers = portable(headers);
    url = next;
  }
}

function redirectOf({ statusCode, headers }: Dispatcher.ResponseData, url: string): string | undefined {
  const { location } = headers;
  if (![301, 302, 303, 307, 308].includes(statusCode) || typeof location !== 'string') return undefined;
  return URL.canParse(location, url) ? new URL(location, url).href : undefined;
}

function portable(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => PORTABLE.has(name.toLowerCase())));
}

function joined(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const entries = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name.toLowerCase(), Array.isArray(value) ? value.join(', ') : value]],
  );
  return Object.fromEntries(entries) as Record<string, string>;
}

/** Codes of failures before anything was sent. */
const NO_CONNECTION = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

function explained(error: unknown, { url, timeoutMs }: OutboundRequest, signal: AbortSignal): OutboundError {
  if (error instanceof OutboundError) return error;
  const { cause, code } = error as { cause?: unknown; code?: string };
  if (cause instanceof OutboundError) return cause;
  const host = hostOf(url);
  if (signal.aborted)
    return new OutboundError('timeout', `${host} gave no whole response within ${timeoutMs} ms.`, {
      cause: error,
    });
  if (code !== undefined && NO_CONNECTION.has(code))
    return new OutboundError('no_connection', `There is no connection to ${host} (${code}).`, {
      cause: error,
    });
  return new OutboundError('broken', `The response of ${host} broke off.`, { cause: error });
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'the address';
}
