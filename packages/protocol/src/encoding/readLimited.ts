import { readBytes } from './readBytes.js';

/** As {@link readBytes}, for Node. */
export async function readLimited(
  source: ReadableStream<Uint8Array> | null,
  maxBytes: number,
  signal?: AbortSignal,
): Promise<Buffer | undefined> {
  const bytes = await readBytes(source, maxBytes, signal);
  return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
