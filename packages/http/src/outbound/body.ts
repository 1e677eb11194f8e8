import { Readable, Transform, pipeline } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { OutboundError } from '@agentpay/primitives';
import type { Incoming } from './exchange.js';

/** Most codings that one body may have been through. */
const MAX_CODINGS = 2;

interface Reading {
  /** `Content-Encoding`. */
  readonly encoding: string | undefined;
  readonly maxBytes: number;
  readonly longer: 'refuse' | 'cut';
}

/**
 * Reads a body to its end, decompressed. Sizes are counted after decompression, and nothing is read beyond the limit.
 * @throws OutboundError `too_large`, `malformed`
 */
export async function readBody(incoming: Incoming, reading: Reading): Promise<Uint8Array> {
  const { maxBytes, longer } = reading;
  const { chunks, size } = await readChunks(incoming, reading);
  if (size > maxBytes && longer === 'refuse')
    throw new OutboundError('too_large', `The body is longer than ${maxBytes} bytes.`, true);
  return Buffer.concat(chunks, size).subarray(0, maxBytes);
}

interface Chunks {
  readonly chunks: readonly Buffer[];
  /** Above the limit when there was more. */
  readonly size: number;
}

async function readChunks(incoming: Incoming, { encoding = '', maxBytes }: Reading): Promise<Chunks> {
  const codings = encoding
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity');
  if (codings.length === 0) return readPlain(incoming, maxBytes);
  // The coding named last was applied last.
  const stages = codings.reverse().map((coding) => decoders[coding]);
  if (codings.length > MAX_CODINGS || stages.includes(undefined)) {
    incoming.stop();
    throw new OutboundError('malformed', `The body is compressed in an unknown way: ${encoding}.`, true);
  }
  return readDecoded(incoming, stages as (() => Transform)[], maxBytes);
}

function readPlain(incoming: Incoming, maxBytes: number): Promise<Chunks> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const done = () => resolve({ chunks, size });
    incoming.giveTo({
      take(chunk) {
        if (size > maxBytes) return false;
        chunks.push(chunk);
        size += chunk.length;
        if (size <= maxBytes) return true;
        incoming.stop();
        done();
        return false;
      },
      end: done,
      fail: reject,
    });
  });
}

async function readDecoded(
  incoming: Incoming,
  stages: readonly (() => Transform)[],
  maxBytes: number,
): Promise<Chunks> {
  const raw = readable(incoming);
  const plain = stages.reduce<Readable>((from, stage) => pipeline(from, stage(), () => undefined), raw);
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
  return { chunks, size };
}

function readable(incoming: Incoming): Readable {
  const raw = new Readable({
    read: () => incoming.resume(),
    destroy(error, done) {
      incoming.stop();
      done(error);
    },
  });
  incoming.giveTo({
    take: (chunk) => raw.push(chunk),
    end: () => raw.push(null),
    fail: (error) => raw.destroy(error as Error),
  });
  return raw;
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
