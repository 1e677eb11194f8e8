import { Readable, Transform, pipeline } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { OutboundError } from '@agentpay/primitives';

/** Most codings that one body may have been through. */
const MAX_CODINGS = 2;

/**
 * Reads a body to its end, decompressed. Sizes are counted after decompression, and nothing is read beyond the limit.
 * @throws OutboundError `too_large`, `malformed`
 */
export async function readBody(
  raw: Readable,
  {
    encoding,
    maxBytes,
    longer,
  }: { encoding: string | undefined; maxBytes: number; longer: 'refuse' | 'cut' },
): Promise<Uint8Array> {
  const plain = decoded(raw, encoding);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of plain as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > maxBytes) break;
    }
  } catch (error) {
    if (raw.errored && raw.errored !== error) throw raw.errored;
    throw isCodingError(error)
      ? new OutboundError('malformed', 'The body is not compressed as its header says.', true, {
          cause: error,
        })
      : error;
  } finally {
    raw.destroy();
  }
  if (size > maxBytes && longer === 'refuse')
    throw new OutboundError('too_large', `The body is longer than ${maxBytes} bytes.`, true);
  return Buffer.concat(chunks, size).subarray(0, maxBytes);
}

function decoded(raw: Readable, encoding: string | undefined): Readable {
  const codings = (encoding ?? '')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity');
  if (codings.length > MAX_CODINGS) throw unknownCoding(encoding);
  // The coding named last was applied last.
  const stages = codings.reverse().map((coding) => decoders[coding]?.() ?? thrown(unknownCoding(encoding)));
  return stages.reduce<Readable>((from, stage) => pipeline(from, stage, () => undefined), raw);
}

const decoders: Record<string, (() => Transform) | undefined> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

function isCodingError(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code !== undefined && /^(Z_|ERR_BROTLI|ERR__ERROR_FORMAT|ERR__)/.test(code);
}

function unknownCoding(encoding: string | undefined): OutboundError {
  return new OutboundError('malformed', `The body is compressed in an unknown way: ${encoding}.`, true);
}

function thrown(error: Error): never {
  throw error;
}
