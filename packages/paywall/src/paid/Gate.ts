import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Clock } from '@agentpay/primitives';
import type { HeldResponse } from './Claims.js';
import { silenceLate } from './lateWrites.js';
import { setHeaders } from '../outgoing/setHeaders.js';

/** How a handler ended. */
export type Outcome =
  | { readonly kind: 'answer'; readonly answer: HeldResponse }
  /** The client left before the response was complete. */
  | { readonly kind: 'left' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'too_large' }
  | { readonly kind: 'failed'; readonly error: unknown };

/** Holds a handler's response until it is known whether it may go out. */
export interface Gate {
  readonly outcome: Promise<Outcome>;
  /** Ends the wait for a handler that has failed. */
  fail(error: unknown): void;
  /** Sends the held response; `prepare` may still set headers. */
  release(prepare: () => void): void;
  /** Sends another response than the handler's: `write` finds the response as it was before the handler ran. */
  replace(write: () => void): void;
}

interface Limits {
  readonly maxBytes: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** What the handler has done so far, behind the gate. */
interface Held {
  /** `open` while our own response goes out; `closed` afterwards. */
  mode: 'holding' | 'open' | 'closed';
  readonly chunks: Buffer[];
  size: number;
  headHeld: boolean;
  ended: boolean;
  /** As they were when the handler ended: what it assigns later is late. */
  status: Pick<ServerResponse, 'statusCode' | 'statusMessage'> | undefined;
}

/**
 * Takes over the response's writing methods. While it holds, whatever the handler writes is kept (at most `maxBytes`), headers are set
 * but not sent, and the handler sees the response as it would without the gate. Afterwards late writes of the handler go nowhere, and
 * `write` says false, so that streams stop.
 */
export function holdResponse(res: ServerResponse, limits: Limits): Gate {
  const before = { status: res.statusCode, headers: { ...res.getHeaders() } };
  const held: Held = {
    mode: 'holding',
    chunks: [],
    size: 0,
    headHeld: false,
    ended: false,
    status: undefined,
  };
  const { outcome, settle } = firstOutcome(res, limits);

  silenceLate(res, (wasSent) =>
    held.mode === 'closed' ? wasSent() : held.mode === 'holding' && held.headHeld,
  );
  const keeper = keeperOf(held, limits.maxBytes, () => settle({ kind: 'too_large' }));
  const send = takeOver(res, held, {
    keep: keeper,
    end() {
      held.ended = true;
      held.status = { statusCode: res.statusCode, statusMessage: res.statusMessage };
      const headers = changedHeaders(before.headers, res.getHeaders());
      const answer = { status: res.statusCode, headers, body: Buffer.concat(held.chunks) };
      settle({ kind: 'answer', answer });
    },
  });

  return {
    outcome,
    fail: (error) => settle({ kind: 'failed', error }),
    release(prepare) {
      openGate(res, held, () => {
        Object.assign(res, held.status);
        prepare();
        send.end(Buffer.concat(held.chunks));
      });
    },
    replace(write) {
      openGate(res, held, () => {
        for (const name of res.getHeaderNames()) if (!(name in before.headers)) res.removeHeader(name);
        setHeaders(res, before.headers);
        res.statusCode = before.status;
        res.statusMessage = '';
        write();
      });
    },
  };
}

/** Keeps what a handler writes, up to `maxBytes`; more than that is not kept at all. */
function keeperOf(held: Held, maxBytes: number, tooLarge: () => void): Keeper['keep'] {
  return (chunk, encoding) => {
    held.headHeld = true;
    if (held.ended || held.mode !== 'holding' || held.size > maxBytes) return false;
    if (chunk === undefined || chunk === null) return true;
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : Buffer.from(chunk);
    held.size += bytes.length;
    held.chunks.push(bytes);
    if (held.size <= maxBytes) return true;
    held.chunks.length = 0;
    tooLarge();
    return false;
  };
}

/** Lets `write` through to the client and closes the gate for good. */
function openGate(res: ServerResponse, held: Held, write: () => void): void {
  Reflect.deleteProperty(res, 'headersSent');
  Reflect.deleteProperty(res, 'writableEnded');
  held.mode = 'open';
  try {
    write();
  } finally {
    held.mode = 'closed';
  }
  for (const name of ['headersSent', 'writableEnded']) {
    Object.defineProperty(res, name, { configurable: true, value: true });
  }
}

/** The first thing that ends the wait for a handler. */
function firstOutcome(res: ServerResponse, { clock, timeoutMs }: Limits) {
  let settle: (outcome: Outcome) => void = () => undefined;
  const outcome = new Promise<Outcome>((resolve) => {
    const cancel = clock.timer(timeoutMs, () => resolve({ kind: 'timeout' }));
    settle = (value) => {
      cancel();
      resolve(value);
    };
  });
  res.once('close', () => settle({ kind: 'left' }));
  return { outcome, settle };
}

interface Keeper {
  /** Tells whether there is any use in more. */
  keep(chunk: string | Uint8Array | null | undefined, encoding: BufferEncoding | undefined): boolean;
  end(): void;
}

/** Redirects the writing methods to `keeper`, except while the gate is open; gives the methods as they were. */
function takeOver(res: ServerResponse, held: Held, keeper: Keeper) {
  const send = {
    writeHead: res.writeHead.bind(res),
    write: res.write.bind(res) as Write,
    end: res.end.bind(res) as (...args: unknown[]) => ServerResponse,
    flushHeaders: res.flushHeaders.bind(res),
  };
  res.writeHead = ((...args: Parameters<typeof send.writeHead>) => {
    if (held.mode === 'open') return send.writeHead(...args);
    if (held.mode === 'holding') applyHead(res, args);
    held.headHeld = true;
    return res;
  }) as typeof res.writeHead;

  res.flushHeaders = () => {
    if (held.mode === 'open') send.flushHeaders();
    held.headHeld = true;
  };

  // Early hints would go out before the payment.
  res.writeEarlyHints = (_hints, done) => void (done && queueMicrotask(done));

  res.write = ((...args: unknown[]) => {
    if (held.mode === 'open') return send.write(...args);
    const { chunk, encoding, done } = writeArguments(args);
    if (done) queueMicrotask(done);
    return keeper.keep(chunk, encoding);
  }) as typeof res.write;

  res.end = ((...args: unknown[]) => {
    if (held.mode === 'open') return send.end(...args);
    const { chunk, encoding, done } = writeArguments(args);
    const late = held.ended || held.mode !== 'holding';
    // No further `finish` event may come.
    if (done) whenOver(res, late, done);
    if (late) return res;
    keeper.keep(chunk, encoding);
    keeper.end();
    return res;
  }) as typeof res.end;

  // Error handlers decide by these whether a response is under way already.
  Object.defineProperty(res, 'headersSent', { configurable: true, get: () => held.headHeld });
  Object.defineProperty(res, 'writableEnded', { configurable: true, get: () => held.ended });
  return send;
}

/** Calls back once a response is over, whether it went out, its client left, or it was over before. */
function whenOver(res: ServerResponse, isOver: boolean, done: () => void): void {
  if (isOver || res.destroyed) return queueMicrotask(done);
  const once = () => {
    res.off('finish', once).off('close', once);
    done();
  };
  res.on('finish', once).on('close', once);
}

type Write = (...args: unknown[]) => boolean;

/** Runs `stamp` just before the head goes out, with the status it will have; then everything passes through, with back-pressure. */
export function stampHead(res: ServerResponse, stamp: () => void): void {
  const send = res.writeHead.bind(res);
  res.writeHead = ((...args: Parameters<typeof send>) => {
    applyHead(res, args);
    if (!res.headersSent) stamp();
    return send(res.statusCode);
  }) as typeof res.writeHead;
}

/** Writes a last text after what the handler writes, where `last` gives one. */
export function addLast(res: ServerResponse, last: () => string | undefined): void {
  const end = res.end.bind(res) as (done?: () => void) => ServerResponse;
  const write = res.write.bind(res) as Write;
  let ended = false;
  res.end = ((...args: unknown[]) => {
    if (ended) return res;
    ended = true;
    const { chunk, encoding, done } = writeArguments(args);
    if (chunk !== undefined && chunk !== null && chunk.length > 0) write(chunk, encoding);
    const text = last();
    if (text !== undefined) write(text);
    return end(done);
  }) as typeof res.end;
}

const ENDS_WITHOUT_BODY = new Set([204, 304]);

/**
 * Repeats the fields as trailers of a chunked response, beside those of the handler, where the client takes trailers (RFC 9110 section
 * 6.5): what comes after the last byte tells that it was the last. To be called when status and headers stand.
 */
export function addTrailers(
  req: IncomingMessage,
  res: ServerResponse,
  fields: Readonly<Record<string, string>>,
): void {
  const chunked =
    req.httpVersion === '1.1' && req.method !== 'HEAD' && !ENDS_WITHOUT_BODY.has(res.statusCode);
  const wanted = /(?:^|,)\s*trailers\s*(?:[;,]|$)/i.test(String(req.headers['te'] ?? ''));
  if (!chunked || !wanted || res.hasHeader('content-length')) return;
  const add = res.addTrailers.bind(res) as (pairs: readonly (readonly [string, string])[]) => void;
  const own = Object.entries(fields);
  res.appendHeader('Trailer', Object.keys(fields));
  add(own);
  // Each call replaces what was added before.
  res.addTrailers = (given) =>
    add([...(Array.isArray(given) ? given : Object.entries(given)), ...own] as [string, string][]);
}

/** Gives `writeHead`'s arguments to the progressive API, so that headers can still be changed. */
function applyHead(res: ServerResponse, [status, ...rest]: readonly unknown[]): void {
  res.statusCode = status as number;
  if (typeof rest[0] === 'string') res.statusMessage = rest.shift() as string;
  const [headers] = rest;
  if (Array.isArray(headers)) return setPairs(res, headers);
  if (headers) setHeaders(res, headers as OutgoingHttpHeaders);
}

function setPairs(res: ServerResponse, list: readonly unknown[]): void {
  const flat = list.flat() as string[];
  const seen = new Set<string>();
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const [name, value] = [flat[i] as string, flat[i + 1] as string];
    if (seen.has(name.toLowerCase())) res.appendHeader(name, value);
    else res.setHeader(name, value);
    seen.add(name.toLowerCase());
  }
}

/** What a handler has set. Cookies belong to one caller and are not part of a response that may be sent again. */
function changedHeaders(before: OutgoingHttpHeaders, now: OutgoingHttpHeaders): HeldResponse['headers'] {
  const changed: { [name: string]: string | string[] } = {};
  for (const [name, value] of Object.entries(now)) {
    if (value === undefined || name === 'set-cookie' || String(value) === String(before[name])) continue;
    changed[name] = Array.isArray(value) ? value : String(value);
  }
  return changed;
}

function writeArguments(args: readonly unknown[]) {
  const done = args.find((argument) => typeof argument === 'function') as (() => void) | undefined;
  const [chunk, encoding] = args.filter((argument) => typeof argument !== 'function');
  return {
    chunk: chunk as string | Uint8Array | null | undefined,
    encoding: encoding as BufferEncoding | undefined,
    done,
  };
}
