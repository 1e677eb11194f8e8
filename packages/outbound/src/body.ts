import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { OutboundError } from './OutboundError.js';

/** Reads a body to its end. @throws OutboundError `too_large` */
export async function readBody(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const decoders: Record<string, (bytes: Buffer, options: { maxOutputLength: number }) => Buffer> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
};

/** Unpacks a body that was compressed although nobody asked for it. @throws OutboundError `too_large`, `broken` */
export function decode(bytes: Buffer, encoding: string | undefined, maxBytes: number): Buffer {
  const name = encoding?.trim().toLowerCase();
  if (!name || name === 'identity' || bytes.length === 0) return bytes;
  const decoder = decoders[name];
  if (!decoder) throw new OutboundError('broken', `The content encoding ${name.slice(0, 40)} is not known.`);
  try {
    return decoder(bytes, { maxOutputLength: maxBytes });
  } catch (cause) {
    if ((cause as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes);
    throw new OutboundError('broken', 'The response cannot be unpacked.', { cause });
  }
}

function tooLarge(maxBytes: number): OutboundError {
  return new OutboundError('too_large', `The response is longer than ${maxBytes} bytes.`);
}
