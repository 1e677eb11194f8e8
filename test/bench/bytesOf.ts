import { Readable } from 'node:stream';

const CHUNK = Buffer.alloc(64 * 1024, 'x');

/** So many bytes, chunk by chunk as they are asked for. */
export function bytesOf(bytes: number): Readable {
  let left = bytes;
  return new Readable({
    read() {
      const chunk = left >= CHUNK.length ? CHUNK : CHUNK.subarray(0, left);
      left -= chunk.length;
      this.push(chunk.length > 0 ? chunk : null);
    },
  });
}
