import { AgentPayError } from '@agentpay/primitives';
import type { Request } from './Request.js';

/** What a request carries: nothing, its bytes, or only what an earlier body parser left of them. */
export type RequestBody =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'raw';
      readonly bytes: Buffer;
      /** Whether Content-Encoding has been undone already. */
      readonly decoded?: boolean;
      /** What a body parser has made of the bytes. */
      readonly parsed?: { readonly value: unknown } | undefined;
    }
  | { readonly kind: 'parsed'; readonly value: unknown; readonly parsed?: undefined }
  | { readonly kind: 'too_large' }
  /** The server has read it and kept nothing of it. */
  | { readonly kind: 'used' };

/** The body of a request that announces none. */
export const NO_BODY: RequestBody = { kind: 'none' };

/** Whether the request announces a body (RFC 9112 section 6.3). */
export function hasBody(req: Request): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
}

/**
 * Reads the body and puts it back, so that body parsers and handlers that come later read it as if nobody had.
 * @throws AgentPayError `request_timeout` when the upload breaks off
 */
export async function readBody(req: Request, maxBytes: number): Promise<RequestBody> {
  if (!hasBody(req)) return NO_BODY;
  const value = req.readableEnded ? req.body : undefined;
  if (Buffer.isBuffer(req.rawBody)) {
    const isParsed = value !== undefined && !Buffer.isBuffer(value);
    return { kind: 'raw', bytes: req.rawBody, parsed: isParsed ? { value } : undefined };
  }
  if (req.readableEnded)
    return Buffer.isBuffer(value) ? { kind: 'raw', bytes: value, decoded: true } : { kind: 'parsed', value };
  if (Number(req.headers['content-length'] ?? 0) > maxBytes) return { kind: 'too_large' };
  const bytes = await peek(req, maxBytes);
  if (!bytes) return { kind: 'too_large' };
  return bytes.length === 0 ? { kind: 'none' } : { kind: 'raw', bytes };
}

/**
 * All bytes of the stream, still to be read; undefined when there are more than `maxBytes`.
 * A stream takes chunks back until it has emitted 'end'. The parser sets `complete` before that, so the bytes go back in the very
 * tick that sees `complete`; an empty stream is not read at all, because reading at its end would emit 'end'.
 */
function peek(req: Request, maxBytes: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;

    const onReadable = () => {
      while (req.readableLength > 0) {
        const chunk = req.read() as Buffer | string;
        chunks.push(typeof chunk === 'string' ? Buffer.from(chunk, req.readableEncoding ?? 'utf8') : chunk);
        size += (chunks.at(-1) as Buffer).length;
      }
      if (req.complete || size > maxBytes) finish();
    };
    const finish = () => {
      detach();
      const bytes = Buffer.concat(chunks);
      if (size > 0) req.unshift(req.readableEncoding ? bytes.toString(req.readableEncoding) : bytes);
      resolve(size > maxBytes ? undefined : bytes);
    };
    const onBroken = () => {
      detach();
      reject(new AgentPayError('request_timeout', 'The request body broke off.'));
    };
    const detach = () => {
      req.off('readable', onReadable);
      req.off('error', onBroken);
      req.off('close', onBroken);
    };

    req.on('error', onBroken);
    req.on('close', onBroken);
    req.on('readable', onReadable);
    if (req.complete && req.readableLength === 0) finish();
  });
}

/** The JSON object a body holds; undefined when it is something else. */
export function jsonObject(body: RequestBody): Record<string, unknown> | undefined {
  const value = body.kind === 'parsed' ? body.value : body.kind === 'raw' ? parse(body.bytes) : undefined;
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
