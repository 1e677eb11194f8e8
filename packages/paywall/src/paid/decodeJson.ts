import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { AgentPayError } from '@agentpay/primitives';
import type { RequestBody } from './RequestBody.js';
import type { Request } from './Request.js';

/** A JSON object or array. */
export type Json = Readonly<Record<string, unknown>>;

/** Content-Encodings that body parsers read, as they read them. */
const decoders: Readonly<
  Record<string, (bytes: Buffer, limit: { maxOutputLength: number }) => Promise<Buffer>>
> = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
};

/** Charsets of JSON that body parsers read; `utf-16` alone goes by its byte order mark. */
const CHARSETS: ReadonlySet<string> = new Set(['utf-8', 'utf-16', 'utf-16le', 'utf-16be']);
const PARAMETER = /^([\w!#$%&'*+.^`|~-]+)=(?:"([^"\\]*)"|([\w!#$%&'*+.^`|~-]+))$/;

/**
 * The JSON in a body, as the handler will have it: what a body parser in front of the paywall has made of it, else decoded as
 * Content-Encoding and charset say. Undefined for a request without a body.
 * @throws AgentPayError `unsupported_media_type` where a parser to come may see another text, `invalid_json`, `payload_too_large`
 */
export async function decodeJson(
  req: Request,
  body: RequestBody,
  maxBytes: number,
): Promise<Json | undefined> {
  if (body.kind === 'none') return undefined;
  if (body.kind === 'too_large') throw tooLarge();
  if (body.kind === 'used') throw new TypeError('The request body was read before the paywall could see it.');
  if (body.parsed) return parsedJson(body.parsed.value);
  if (body.kind === 'parsed') return parsedJson(body.value);
  const charset = charsetOf(req);
  const text = textOf(body.decoded ? body.bytes : await decoded(req, body.bytes, maxBytes), charset);
  return text === '' ? undefined : objectIn(parse(text));
}

/** What a parser left. A text is what `express.text()` gives: the handler has yet to parse it. */
function parsedJson(value: unknown): Json | undefined {
  if (value === undefined) throw unsupported('The request body was read before and is not at hand any more.');
  return objectIn(typeof value === 'string' ? parse(value) : value);
}

async function decoded(req: Request, bytes: Buffer, maxBytes: number): Promise<Buffer> {
  const encoding = (req.headers['content-encoding'] || 'identity').toLowerCase();
  if (encoding === 'identity') return bytes;
  const decoder = Object.hasOwn(decoders, encoding) ? decoders[encoding] : undefined;
  if (!decoder) throw unsupported('The request body has a Content-Encoding that is not supported.');
  // A parser that does not decode would read another price.
  if (isJson(bytes)) throw unsupported('The request body reads as JSON without being decoded.');
  try {
    return await decoder(bytes, { maxOutputLength: Math.max(1, maxBytes) });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
    throw new AgentPayError('invalid_request', 'The request body is not encoded as it says.', { cause });
  }
}

/** The charset of a body that says that it is JSON, and says it so that every parser takes it for that. */
function charsetOf(req: Request): string {
  const [type = '', ...parameters] = (req.headers['content-type'] ?? '')
    .split(';')
    .map((part) => part.trim());
  const read = parameters.map((parameter) => PARAMETER.exec(parameter));
  if (type.toLowerCase() !== 'application/json' || read.includes(null))
    throw unsupported('The price depends on a JSON body: send Content-Type: application/json.');
  const charsets = read.filter((parameter) => parameter?.[1]?.toLowerCase() === 'charset');
  const [, , quoted, plain] = charsets[0] ?? [];
  const charset = charsets.length === 0 ? 'utf-8' : (quoted ?? plain ?? '').toLowerCase();
  if (charsets.length > 1 || !CHARSETS.has(charset))
    throw unsupported('The request body has a charset that is not supported.');
  return charset;
}

function textOf(bytes: Buffer, charset: string): string {
  try {
    return new TextDecoder(charset === 'utf-16' ? markedOrder(bytes) : charset, { fatal: true }).decode(
      bytes,
    );
  } catch (cause) {
    if (cause instanceof AgentPayError) throw cause;
    throw new AgentPayError('invalid_json', `The request body is no ${charset}.`, { cause });
  }
}

function markedOrder(bytes: Buffer): string {
  const mark = bytes.subarray(0, 2).toString('hex');
  if (mark === 'fffe') return 'utf-16le';
  if (mark === 'feff') return 'utf-16be';
  throw unsupported('UTF-16 without a byte order mark.');
}

function objectIn(value: unknown): Json {
  if (typeof value === 'object' && value !== null) return value as Json;
  throw new AgentPayError('invalid_json', 'The request body must be a JSON object or array.');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AgentPayError('invalid_json', 'The request body is no JSON.', { cause });
  }
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

const unsupported = (message: string) => new AgentPayError('unsupported_media_type', message);
const tooLarge = () => new AgentPayError('payload_too_large', 'The request body is too long to be priced.');
